"""The product's own settings, read in the environment of a test run."""

from wigvo.tests import environment  # isort: skip  # noqa: F401 - sets it
from wigvo.settings import *  # noqa: F403
