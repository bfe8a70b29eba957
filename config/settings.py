"""Every setting, read from the environment once. `.env.example` lists and explains the names."""

from datetime import timedelta
from pathlib import Path

import django_stubs_ext
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _
from environs import FileAwareEnv, validate

from config.logs import configuration, level_named
from config.site_url import site_at

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

# A secret may be given as NAME or, for container secrets, as NAME_FILE holding a path.
env = FileAwareEnv(strip_whitespace=True)
# The suite names an empty file, so that nobody’s own settings reach into it.
env.read_env(env.str("DOTENV", str(BASE_DIR / ".env")), recurse=False)

# --- What the product is called, and where it lives -----------------------------------------

SITE_NAME = env.str("SITE_NAME", "Paper Boat")
# Page titles, mail senders and anything else that may show on a shared screen use this word.
DISCREET_NAME = env.str("DISCREET_NAME", "Notes")
SITE = site_at(env.str("SITE_URL", "http://localhost:8000"))
SITE_URL = SITE.geturl()
OPERATOR_NAME = env.str("OPERATOR_NAME", "")
OPERATOR_CONTACT = env.str("OPERATOR_CONTACT", "")
# Where holes are reported, as /.well-known/security.txt says: an address or an https link.
SECURITY_CONTACT = env.str("SECURITY_CONTACT", OPERATOR_CONTACT)
# Where the source of what runs here can be had.
SOURCE_URL = env.str("SOURCE_URL", "")
# The operator's own words, in Markdown: in the place of our terms, and below our privacy page.
TERMS_TEXT = env.str("TERMS_TEXT", "")
PRIVACY_TEXT = env.str("PRIVACY_TEXT", "")
# After so many days a backup is thrown away. Pages that delete something say so; 0: not said.
BACKUP_DAYS = env.int("BACKUP_DAYS", 0, validate=validate.Range(min=0))
# Where “Leave now” goes: a page that everyone opens, that shows nothing personal.
LEAVE_URL = env.str("LEAVE_URL", "https://www.wikipedia.org/")

HTTPS = SITE.scheme == "https"
DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", [SITE.hostname])

# --- The house -----------------------------------------------------------------------------

INSTALLED_APPS = [
    "config.admin.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.forms",
    "operations",
    "home",
    "reminders",
    "healing",
    "journal",
    "accounts",
    "safety",
    "mail",
    "mail.dev_inbox",
    "vault",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    # Above everything, so that every answer has a name and a line in the log.
    "safety.middleware.RequestMiddleware",
    # Headers first, so that files, redirects and errors carry them too.
    "safety.middleware.HeadersMiddleware",
    "safety.middleware.DistrustMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "safety.middleware.PolicyMiddleware",
    "safety.middleware.AdminPolicyMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # Files lie compressed already; only pages are compressed as they go.
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Compression can betray a secret that a page repeats beside chosen words. The CSRF token is
    # masked anew each time, and Django adds random bytes to what it compresses.
    "django.middleware.gzip.GZipMiddleware",
    # Below files, which may be kept; above everything that makes a page.
    "safety.middleware.NoStoreMiddleware",
    # Above sessions and database: help and the way out stay up when they are down.
    "safety.middleware.HelpPagesMiddleware",
    "safety.middleware.LeaveMiddleware",
    "vault.sessions.SessionMiddleware",
    "safety.middleware.LockAfterLeavingMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.sessions.authentication.AuthenticationMiddleware",
    "accounts.middleware.PersonMiddleware",
    # Above the sign-in: whoever is locked is asked for the password, not for a new sign-in.
    "accounts.middleware.LockMiddleware",
    "accounts.middleware.SignInMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.erased_middleware.ErasedMiddleware",
    "accounts.middleware.HeadMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
# The site is at the root. What a request says of that would stick to what pages keep in memory.
FORCE_SCRIPT_NAME = ""

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "config.template_loader.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "safety.context_processors.site",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# --- What is kept, and where ---------------------------------------------------------------

DATABASES = {
    "default": env.dj_db_url("DATABASE_URL", conn_max_age=600, conn_health_checks=True),
}
# One request is one transaction: what a page did is kept whole or not at all.
DATABASES["default"]["ATOMIC_REQUESTS"] = True
# A host that does not answer must not hold a page, least of all the one for leaving: not when a
# line to it is opened, and not on one that was open when it vanished (milliseconds, seconds).
DATABASES["default"].setdefault("OPTIONS", {}).update(
    {"connect_timeout": 5, "tcp_user_timeout": 10_000, "keepalives_idle": 30}
)
# Values travel beside their statement and never in it. So Postgres need not think over again what
# it is asked often, and nothing that shows statements can show a value.
DATABASES["default"]["OPTIONS"].update({"server_side_binding": True, "prepare_threshold": 3})
# The same database by a line of its own: what counts tries stands at once, outside the request’s
# transaction, so that it also counts the requests that fail.
DATABASES["cache"] = DATABASES["default"] | {
    "ATOMIC_REQUESTS": False,
    "TEST": {"MIRROR": "default"},
}
DATABASE_ROUTERS = ["config.cache_router.CacheRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Rate limits live here, so that they survive restarts and do not depend on Redis.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        "KEY_FUNCTION": "config.cache_router.key",
        # Django's 300 would drop the counts of rate limits under load.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
}

# Master keys that wrap each person's key: "k2:<base64>,k1:<base64>". The first one seals.
VAULT_KEYS = env.str("VAULT_KEYS")

# --- Who they are --------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backend.Backend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
_VALIDATION = "django.contrib.auth.password_validation."
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": _VALIDATION + "UserAttributeSimilarityValidator"},
    {"NAME": _VALIDATION + "MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": _VALIDATION + "CommonPasswordValidator"},
    {"NAME": _VALIDATION + "NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home:today"

ACCOUNT_ADAPTER = "accounts.adapter.Adapter"
ACCOUNT_FORMS = {
    "signup": "accounts.forms.SignupForm",
    "login": "accounts.forms.LoginForm",
    "reauthenticate": "accounts.forms.ReauthenticateForm",
    "reset_password": "accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.forms.ResetPasswordKeyForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "confirm_email_verification_code": "accounts.forms.ConfirmEmailForm",
    "confirm_password_reset_code": "accounts.forms.ConfirmResetForm",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT = ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = 600
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_MAX_ATTEMPTS = 3
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_PASSWORD_RESET_BY_CODE_MAX_ATTEMPTS = 3
ACCOUNT_LOGIN_ON_PASSWORD_RESET = False
# A mailbox alone must not be the key to someone's letters.
ACCOUNT_LOGIN_BY_CODE_ENABLED = False
# Long enough for a code that was sent a second time.
ACCOUNT_LOGIN_TIMEOUT = int(timedelta(minutes=30).total_seconds())
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_DEFAULT_HTTP_PROTOCOL = SITE.scheme
ACCOUNT_RATE_LIMITS = {
    # accounts.rate_limits counts what makes us send mail, in the forms: a person who has to wait is
    # told so beside what they typed.
    "signup": None,
    "reset_password": None,
    "confirm_email": None,
    "login_failed": "10/m/ip,10/5m/key",
    # Whoever knows the password has this many tries at a million codes.
    "second_step": "10/m/ip,10/5m/key,40/d/key",
    # Each may mail a code to an address that somebody typed.
    "manage_email": "5/m/user,10/d/user",
}
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_MAX_EMAIL_ADDRESSES = 2
# Who may open an account: anyone, whoever was given an invitation, nobody new.
REGISTRATION = env.str(
    "REGISTRATION", "open", validate=validate.OneOf(("open", "invitation", "closed"))
)

MFA_ADAPTER = "accounts.mfa.adapter.Adapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = DISCREET_NAME
MFA_TOTP_TOLERANCE = 0
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_PASSKEY_LOGIN_ENABLED = True
# Nobody without a password: it is what a lock asks for.
MFA_PASSKEY_SIGNUP_ENABLED = False
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
# Each sign-in with a passkey asks twice.
MFA_RATE_LIMITS = {"webauthn_login": "20/m/ip"}
MFA_FORMS = {
    "authenticate": "accounts.mfa.forms.SecondStepForm",
    "authenticate_webauthn": "accounts.mfa.forms.PasskeyForm",
    "login_webauthn": "accounts.mfa.forms.PasskeySignInForm",
    "reauthenticate": "accounts.mfa.forms.SecondStepAgainForm",
    "reauthenticate_webauthn": "accounts.mfa.forms.PasskeyAgainForm",
}

SESSION_ENGINE = "vault.sessions"
SESSION_COOKIE_AGE = int(timedelta(hours=12).total_seconds())
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_SERIALIZER = "vault.sessions.SealedSerializer"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# --- Mail ----------------------------------------------------------------------------------

EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = env.str("EMAIL_HOST", "localhost")
EMAIL_PORT = env.int("EMAIL_PORT", 25)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = env.bool("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", f"{DISCREET_NAME} <notes@{SITE.hostname}>")
# The folder of the local mail catcher. Setting it opens /dev/inbox/; never set it on a server.
MAIL_CATCHER = env.path("MAIL_CATCHER", None)

REDIS_URL = env.str("REDIS_URL")

# --- Words and times -----------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- Files ---------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = env.path("STATIC_ROOT", BASE_DIR / "staticfiles")
# Help pages, rendered to files at collectstatic.
PAGES_ROOT = env.path("PAGES_ROOT", BASE_DIR / "staticpages")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

# --- HTTP ----------------------------------------------------------------------------------

TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", 0)
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXY_COUNT
if TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

_COOKIE_PREFIX = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME = f"{_COOKIE_PREFIX}n"
CSRF_COOKIE_NAME = f"{_COOKIE_PREFIX}c"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
# It goes with the browser, as the others do, and leaves no trace of a year.
CSRF_COOKIE_AGE = None
CSRF_FAILURE_VIEW = "accounts.error_views.csrf_failure"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
# Probes reach the process directly, over plain http.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": [NONE],
        "upgrade-insecure-requests": HTTPS,
    },
}
# Everything a browser can do and these pages never ask for. Client hints (ch-…) are not among it:
# browsers send them to whoever asks, and nobody does here. Nor is unload: Django’s admin uses it.
_NEVER = """
    accelerometer aria-notify autoplay browsing-topics camera
    captured-surface-control clipboard-read clipboard-write compute-pressure
    cross-origin-isolated deferred-fetch deferred-fetch-minimal digital-credentials-create
    digital-credentials-get display-capture encrypted-media fullscreen gamepad geolocation
    gyroscope hid identity-credentials-get idle-detection keyboard-map language-detector
    language-model local-fonts local-network local-network-access loopback-network
    magnetometer media-playback-while-not-visible microphone midi
    on-device-speech-recognition otp-credentials payment picture-in-picture
    private-state-token-issuance private-state-token-redemption screen-wake-lock serial
    speaker-selection storage-access summarizer sync-xhr translator usb
    window-management xr-spatial-tracking
""".split()  # noqa: SIM905 (a list of words, not of quotes)
# Passkeys are the one thing that is used, and only by pages of ours.
PERMISSIONS_POLICY: dict[str, list[str]] = {name: [] for name in _NEVER} | {
    "publickey-credentials-create": ["self"],
    "publickey-credentials-get": ["self"],
}
# A letter of 100,000 characters fits, a flood does not.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 300

# --- Logs ----------------------------------------------------------------------------------

LOGGING_CONFIG = "config.logs.configure"
env.add_parser("level", level_named)
LOGGING = configuration(env.level("LOG_LEVEL", "INFO"))
# Nobody is mailed about errors, and a report of one would hold nothing that was sent.
ADMINS: list[tuple[str, str]] = []
DEFAULT_EXCEPTION_REPORTER_FILTER = "safety.error_reports.HidingReporterFilter"
