#!/bin/sh
# Make .venv and install the locked packages; nothing to do while the lock is the same.
#   scripts/environment.sh [dev]     dev: also what the tests and checks need
set -eu
cd "$(dirname "$0")/.."
venv=.venv
files=requirements.txt
[ "${1:-}" = dev ] && files="requirements.txt requirements-dev.txt"

is_suitable() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for candidate in ${PYTHON:-} python3 python python3.11 python3.12 python3.13 python3.14; do
        if command -v "$candidate" >/dev/null 2>&1 && is_suitable "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    found=$(python3 --version 2>/dev/null || echo "no python3")
    echo "WIGVO needs Python 3.11 or newer; this machine has $found." >&2
    echo "Install one, or name it: make demo PYTHON=/path/to/python3.11" >&2
    exit 1
}

make_venv() {
    echo "Making the environment $venv with $1 …"
    if "$1" -m venv --clear "$venv" >"$venv.log" 2>&1; then
        rm -f "$venv.log"
        return
    fi
    # Debian and Ubuntu ship venv apart from Python.
    package=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "Installing $package with apt-get …"
        { apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -qy install "$package"; } \
            >>"$venv.log" 2>&1 || true
        if "$1" -m venv --clear "$venv" >>"$venv.log" 2>&1; then
            rm -f "$venv.log"
            return
        fi
    fi
    tail -n 5 "$venv.log" >&2
    rm -f "$venv.log"
    echo "$1 cannot make environments: install its venv module ($package)." >&2
    exit 1
}

# A .venv that was moved or lost its Python is made again.
if ! is_suitable "$venv/bin/python"; then
    python=$(find_python)
    make_venv "$python"
fi

# shellcheck disable=SC2086
wanted=$("$venv/bin/python" -c '
import hashlib, sys
digest = hashlib.sha256(sys.version.encode())
for name in sys.argv[1:]:
    digest.update(open(name, "rb").read())
print(digest.hexdigest())' $files)
stamp="$venv/.installed-${1:-run}"
[ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ] && exit 0

total=$("$venv/bin/python" -c '
import re, sys
names = set()
for name in sys.argv[1:]:
    names |= set(re.findall(r"^([\w.-]+)==", open(name).read(), re.MULTILINE))
print(len(names))' $files)
echo "Installing about $total packages into $venv: once, about a minute on a fast line."
log="$venv/install.log"
options=""
for file in $files; do options="$options -r $file"; done
started=$(date +%s)
# shellcheck disable=SC2086
{ "$venv/bin/python" -m pip install --disable-pip-version-check --no-input $options 2>&1 \
    && echo "WIGVO: installed"; } | tee "$log" | awk -v total="$total" '
    /^Collecting/ { n++; if (tty || n % 20 == 0) show() }
    /^Installing collected/ { printf "%s  unpacking them …%s", tty ? "\r" : "", tty ? "     " : "\n"; fflush() }
    function show() { printf "%s  %d fetched …%s", tty ? "\r" : "", n, tty ? "" : "\n"; fflush() }
' tty="$([ -t 1 ] && echo 1 || echo '')" -
if ! tail -n 1 "$log" | grep -q "^WIGVO: installed"; then
    echo
    tail -n 15 "$log" >&2
    echo "The packages could not be installed; the whole log is $log." >&2
    exit 1
fi
echo "$wanted" >"$stamp"
printf '\n  done in %s s.\n' "$(($(date +%s) - started))"
