"""The product's own settings, read in the environment of a test run."""

from wigvo.tests import environment  # isort: skip  # noqa: F401 - sets it
from wigvo.settings import *  # noqa: F403

if not REDIS_URL:  # noqa: F405 - of the settings
    CACHES["sounds"] = {  # noqa: F405
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "sounds",
    }

# Hashing that is slow on purpose is Django's to test.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
