"""Every setting, once.  The environment is read here and nowhere else.

Names and defaults are the outside contract; `.env.example` explains each of them.
"""

import logging
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from wigvo import logs

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()
if _env_file := env.str("ENV_FILE", default=".env"):  # empty: only what is exported
    env.read_env(BASE_DIR / _env_file)


def secret(name: str, default: str = "") -> str:
    """Read a secret from NAME or from the file NAME_FILE, without its last newline."""
    return str(env.str(name, default=default)).strip()


# --- The process ---------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("DEMO", default=False)
"""Provider base URLs point at the lab; set by `make demo`, never in production."""

SECRET_KEY = secret("SECRET_KEY")
if not SECRET_KEY:
    if not (DEBUG or DEMO):
        raise ImproperlyConfigured(
            "Set SECRET_KEY to a long random string"
            " (or DEBUG=1 on your own machine): it signs sessions and tickets."
        )
    SECRET_KEY = "not-a-secret-" + "0123456789" * 5

PUBLIC_BASE_URL = str(
    env.str("PUBLIC_BASE_URL", default="http://127.0.0.1:8000")
).rstrip("/")
RELAY_NODE_URL = str(env.str("RELAY_NODE_URL", default=PUBLIC_BASE_URL)).rstrip("/")
_public = urlsplit(PUBLIC_BASE_URL)
_IS_HTTPS = _public.scheme == "https"
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS",
    default=sorted({_public.hostname or "", "127.0.0.1", "localhost"})
    if DEBUG or DEMO
    else [],
)
if not ALLOWED_HOSTS:
    raise ImproperlyConfigured(
        "Set ALLOWED_HOSTS to the host names this server answers to,"
        " separated by commas (or DEBUG=1 on your own machine)."
    )
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"]

SECRET_KEY_FALLBACKS = [
    key.strip() for key in secret("SECRET_KEY_FALLBACKS").split(",") if key.strip()
]
"""Earlier keys: what they signed or sealed stays readable, nothing new is made."""

# --- Logs ----------------------------------------------------------------------------

LOGGING = logs.configure(console=DEBUG or DEMO)
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG  # one line a request

# --- Applications --------------------------------------------------------------------

INSTALLED_APPS = [
    "daphne",  # before staticfiles: its `runserver` speaks WebSocket
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "django_htmx",
    "django_structlog",
    "ninja",  # serves the static files of /api/docs itself
    "template_partials",
    "phonenumber_field",
    "allauth",
    "allauth.account",
    "allauth.headless",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.google",
    "wigvo",
    "calls",
    "chat",
    "places",
    "realtime",
    "lab",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "wigvo.api.json_errors",
]

ROOT_URLCONF = "wigvo.urls"
ASGI_APPLICATION = "wigvo.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
            ],
        },
    }
]

# --- Data ----------------------------------------------------------------------------

DATABASES = {
    "default": env.db("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Writers queue for the lock instead of failing half-way through a transaction.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = secret("REDIS_URL")
if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": [REDIS_URL], "capacity": 1000},
        }
    }
    CACHES: dict[str, Any] = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
        }
    }
else:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels.layers.InMemoryChannelLayer",
            "CONFIG": {"capacity": 1000},
        }
    }
    CACHES = {
        "default": {
            "BACKEND": "wigvo.cache.PrunedLocMemCache",
            "OPTIONS": {"MAX_ENTRIES": 10_000},
        }
    }

MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(BASE_DIR / "media")))
MEDIA_URL = "media/"
# Spoken sentences that are said again and again, about 50 kB each; not in the default
# cache, which would grow to a gigabyte, and kept over a restart.
_SOUNDS: dict[str, Any] = {"TIMEOUT": 30 * 86_400, "KEY_PREFIX": "sound"}
if REDIS_URL:
    CACHES["sounds"] = {**CACHES["default"], **_SOUNDS}
else:
    CACHES["sounds"] = {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": MEDIA_ROOT / "sounds",
        "OPTIONS": {"MAX_ENTRIES": 1000},
        **_SOUNDS,
    }

CELERY_BROKER_URL = REDIS_URL or None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_TIME_LIMIT = 120
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "expire-calls": {"task": "calls.tasks.expire_calls", "schedule": 300.0},
    "tend-letters": {"task": "calls.tasks.tend_letters", "schedule": 60.0},
    "tend-summaries": {"task": "calls.tasks.tend_summaries", "schedule": 60.0},
}
NODE_SCHEDULE = {
    "reconcile-calls": {"task": "calls.tasks.reconcile_calls", "schedule": 60.0},
    "tend-recordings": {"task": "calls.tasks.tend_recordings", "schedule": 300.0},
}
"""Ticked inside every relay process, broker or not: its own memory and the files that
it writes are concerned."""

RECORDING_RETENTION_DAYS = env.int("RECORDING_RETENTION_DAYS", default=30)
"""0: kept until somebody deletes them."""

STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG or DEMO
        else "wigvo.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG or DEMO

# --- Language and time ---------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("ko", _("Korean"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- People --------------------------------------------------------------------------

AUTH_USER_MODEL = "wigvo.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_CONFIRM_EMAIL_ON_GET = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[WIGVO] "
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _public.scheme
# Another e-mail address, another passkey: the password (or a second factor) first.
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_ADAPTER = "wigvo.account_adapter.AccountAdapter"
MFA_ADAPTER = "wigvo.mfa.MfaAdapter"
MFA_FORMS = {
    "authenticate": "wigvo.mfa_forms.LoginCodeForm",
    "reauthenticate": "wigvo.mfa_forms.AgainCodeForm",
    "activate_totp": "wigvo.mfa_forms.FirstCodeForm",
    "add_webauthn": "wigvo.mfa_forms.PasskeyForm",
    "edit_webauthn": "wigvo.mfa_forms.PasskeyNameForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "WIGVO"
HEADLESS_CLIENTS = ("app", "browser")
HEADLESS_SERVE_SPECIFICATION = False

GOOGLE_CLIENT_ID = env.str("GOOGLE_CLIENT_ID", default="")
GOOGLE_CLIENT_SECRET = secret("GOOGLE_CLIENT_SECRET")
SOCIALACCOUNT_PROVIDERS = {
    "google": {
        "APPS": [
            {"client_id": GOOGLE_CLIENT_ID, "secret": GOOGLE_CLIENT_SECRET, "key": ""}
        ]
        if GOOGLE_CLIENT_ID
        else [],
        "SCOPE": ["profile", "email"],
    }
}

EMAIL_URL = secret("EMAIL_URL", "consolemail://")
vars().update(env.email_url_config(EMAIL_URL))
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="wigvo@localhost")

# --- The doorway ---------------------------------------------------------------------

# Secure cookies and HSTS follow the public address, not DEBUG; redirecting to https
# is the proxy's work (security.W008 is silenced for that reason).
SESSION_COOKIE_SECURE = _IS_HTTPS
CSRF_COOKIE_SECURE = _IS_HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if _IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _IS_HTTPS
SECURE_HSTS_PRELOAD = _IS_HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SILENCED_SYSTEM_CHECKS = [
    "security.W008",
    "caches.W002",  # of MEDIA_ROOT nothing is served, and nobody uploads into it
]
X_FRAME_OPTIONS = "DENY"


def _socket_origin(url: str) -> str:
    """Name the origin of the sockets below an http(s) base URL."""
    parts = urlsplit(url)
    return f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}"


CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "media-src": [SELF, "blob:"],
        "connect-src": [
            SELF,
            *sorted({_socket_origin(PUBLIC_BASE_URL), _socket_origin(RELAY_NODE_URL)}),
        ],
        "worker-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# --- Providers -----------------------------------------------------------------------

LAB_URL = env.str("LAB_URL", default="http://127.0.0.1:9100").rstrip("/")
"""Where the simulated providers are reached; only DEMO=1 makes it a default."""


def provider_url(name: str, real: str, lab_path: str) -> str:
    """Read a provider's base URL; in the demo it defaults to the lab."""
    base = LAB_URL
    if real.startswith("wss://"):
        base = base.replace("http", "ws", 1)
    return str(env.str(name, default=base + lab_path if DEMO else real)).rstrip("/")


def provider_key(name: str) -> str:
    """Read a provider's credential; the lab accepts exactly the demo's."""
    return secret(name, f"demo-{name.lower().replace('_', '-')}" if DEMO else "")


OPENAI_API_KEY = provider_key("OPENAI_API_KEY")
OPENAI_BASE_URL = provider_url(
    "OPENAI_BASE_URL", "https://api.openai.com/v1", "/openai/v1"
)
OPENAI_REALTIME_URL = provider_url(
    "OPENAI_REALTIME_URL", "wss://api.openai.com/v1", "/openai/v1"
)
OPENAI_TRANSLATE_MODEL = env.str(
    "OPENAI_TRANSLATE_MODEL", default="gpt-realtime-translate"
)
OPENAI_REALTIME_MODEL = env.str(
    "OPENAI_REALTIME_MODEL", default="gpt-realtime-2.1-mini"
)
OPENAI_LIVE_TRANSCRIBE_MODEL = env.str(
    "OPENAI_LIVE_TRANSCRIBE_MODEL", default="gpt-live-transcribe"
)
OPENAI_TRANSCRIBE_MODEL = env.str("OPENAI_TRANSCRIBE_MODEL", default="gpt-transcribe")
OPENAI_TEXT_MODEL = env.str("OPENAI_TEXT_MODEL", default="gpt-6-luna")
OPENAI_MODERATION_MODEL = env.str(
    "OPENAI_MODERATION_MODEL", default="omni-moderation-latest"
)

ENGINES = ("translate", "interpret")
CALLER_ENGINE = env.str("CALLER_ENGINE", default="translate")
CALLEE_ENGINE = env.str("CALLEE_ENGINE", default="translate")
if not {CALLER_ENGINE, CALLEE_ENGINE} <= set(ENGINES):
    raise ImproperlyConfigured(
        f"CALLER_ENGINE and CALLEE_ENGINE must each be one of {', '.join(ENGINES)}."
    )

TWILIO_ACCOUNT_SID = env.str(
    "TWILIO_ACCOUNT_SID", default="AC" + "0" * 32 if DEMO else ""
)
TWILIO_AUTH_TOKEN = provider_key("TWILIO_AUTH_TOKEN")
TWILIO_AUTH_TOKEN_SECONDARY = secret("TWILIO_AUTH_TOKEN_SECONDARY")
TWILIO_FROM_NUMBER = env.str(
    "TWILIO_FROM_NUMBER", default="+12025550100" if DEMO else ""
)
TWILIO_API_BASE_URL = provider_url(
    "TWILIO_API_BASE_URL", "https://api.twilio.com", "/twilio"
)
TELEPHONE_USD_PER_MINUTE = env.float("TELEPHONE_USD_PER_MINUTE", default=0.0)

NAVER_CLIENT_ID = env.str("NAVER_CLIENT_ID", default="demo" if DEMO else "")
NAVER_CLIENT_SECRET = provider_key("NAVER_CLIENT_SECRET")
NAVER_API_BASE_URL = provider_url(
    "NAVER_API_BASE_URL", "https://openapi.naver.com", "/naver"
)

# --- Calls and their limits ----------------------------------------------------------

CALL_MAX_SECONDS = env.int("CALL_MAX_SECONDS", default=3300)
CALLER_GRACE_SECONDS = env.int("CALLER_GRACE_SECONDS", default=60)
CALL_ALLOWED_COUNTRIES = str(
    env.str("CALL_ALLOWED_COUNTRIES", default="KR,US,GB,JP,CN,TW,VN,DE,FR,ES,CA,AU")
).split(",")
# Defaults of the limits; each has a per-user value in the admin.
CALL_MAX_LIVE_PER_USER = env.int("CALL_MAX_LIVE_PER_USER", default=1)
CALL_DAILY_MINUTES_PER_USER = env.int("CALL_DAILY_MINUTES_PER_USER", default=120)
CALL_STARTS_PER_MINUTE_PER_USER = env.int("CALL_STARTS_PER_MINUTE_PER_USER", default=10)
CALL_STARTS_PER_MINUTE_PER_ADDRESS = env.int(
    "CALL_STARTS_PER_MINUTE_PER_ADDRESS", default=60
)
CALL_MAX_USD = env.float("CALL_MAX_USD", default=15.0)
CALL_DAILY_USD_PER_USER = env.float("CALL_DAILY_USD_PER_USER", default=30.0)

PHONENUMBER_DB_FORMAT = "E164"
PHONENUMBER_DEFAULT_FORMAT = "E164"
PHONENUMBER_DEFAULT_REGION = "KR"
