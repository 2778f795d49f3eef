# The verbs people type.  Everything runs in .venv, which is made when it is missing.
# Plain commands behind them: README.md and docs/development.md.

PY = .venv/bin/python
export PYTHON

.PHONY: help demo run test test-scenes test-services lint types format messages lock dev install bench

help:
	@echo "make demo      set everything up and hear one interpreted call (no keys needed)"
	@echo "make test      set everything up and run every check and test"
	@echo "make run       the server for development, with the settings of .env"
	@echo "make lint      ruff: format and rules      make format   let ruff repair"
	@echo "make types     mypy --strict               make messages collect and compile texts"
	@echo "make bench     figures: the echo canceller, the relay under load, scenes, calls"
	@echo "make lock      resolve pyproject.toml and export requirements*.txt"

install:
	@scripts/environment.sh

dev:
	@scripts/environment.sh dev

demo: install
	@exec $(PY) manage.py demo $(ARGS)

run: install
	$(PY) manage.py migrate
	$(PY) -m uvicorn wigvo.asgi:application --reload --no-access-log \
	    --ws-per-message-deflate false --ws-max-size 262144

test: dev
	@$(PY) -m wigvo.tests

test-scenes: dev
	$(PY) -m pytest -q -n 3 --reruns 1 -rR -m scenes

test-services: dev
	@$(PY) -m wigvo.tests services

lint: dev
	@$(PY) -m wigvo.tests format lint

types: dev
	@$(PY) -m wigvo.tests types

format: dev
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

messages: dev
	$(PY) manage.py makemessages --all --ignore=.venv --ignore=staticfiles
	$(PY) manage.py compilemessages --ignore=.venv

lock: dev
	$(PY) -m uv lock
	$(PY) scripts/export_requirements.py

bench: dev
	$(PY) -m pip install -q av matplotlib
	$(PY) -m benchmarks.costs
	$(PY) -m benchmarks.line --quick
	$(PY) -m benchmarks.relay
	$(PY) -m benchmarks.scenarios
	$(PY) -m benchmarks.calls
