"""All settings, from the environment. `.env.example` lists and explains the names.

ADR 1 says why Django 5.2 and Python 3.11.
"""

from datetime import timedelta
from email.headerregistry import Address
from functools import partial
from pathlib import Path

import django_stubs_ext
from csp.constants import NONE, SELF

from config.environment import (
    MASTER_KEYS,
    Environment,
    parse_hosts,
    parse_languages,
    parse_master_keys,
    parse_name,
    parse_redis_url,
    parse_sender,
    parse_server,
    parse_url,
)
from config.logs import configuration, parse_level
from config.site_url_parser import parse_site_url

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

# The tests set DOTENV to an empty file, to be independent of a developer's own settings.
env = Environment(BASE_DIR / ".env")

# --- The product and its address --------------------------------------------------------------

SITE_NAME = env.parsed("SITE_NAME", parse_name, "Paper Boat", expected="a name on one line")
# For what others may see on a shared screen: page titles, mail senders, subjects.
DISCREET_NAME = env.parsed("DISCREET_NAME", parse_name, "Notes", expected="a name on one line")
SITE = env.parsed(
    "SITE_URL",
    parse_site_url,
    parse_site_url("http://localhost:8000"),
    expected="an address without a path, such as https://notes.example.org",
)
SITE_URL = SITE.geturl()
OPERATOR_NAME = env.text("OPERATOR_NAME", "")
OPERATOR_CONTACT = env.text("OPERATOR_CONTACT", "")
# Where to report vulnerabilities, in /.well-known/security.txt: an email address or https link.
SECURITY_CONTACT = env.text("SECURITY_CONTACT", OPERATOR_CONTACT)
# The source code of what runs here: a link in the footer.
SOURCE_URL = env.parsed(
    "SOURCE_URL", parse_url, "", expected="an address such as https://code.example.org/notes"
)
# The operator's own Markdown: instead of our terms, and below our privacy page.
TERMS_TEXT = env.text("TERMS_TEXT", "")
PRIVACY_TEXT = env.text("PRIVACY_TEXT", "")
# Days until a backup is deleted: pages that delete something say so. 0 if unknown.
BACKUP_DAYS = env.integer("BACKUP_DAYS", 0)
# Where “Leave now” goes: a page that anyone might open, with nothing personal on it.
LEAVE_URL = env.parsed(
    "LEAVE_URL",
    parse_url,
    "https://www.wikipedia.org/",
    expected="an address such as https://www.wikipedia.org/",
)

HTTPS = SITE.scheme == "https"
DEBUG = env.boolean("DEBUG", False)
SECRET_KEY = env.secret(
    "SECRET_KEY", expected="a long random text; .env.example says how to make one"
)
ALLOWED_HOSTS = env.parsed(
    "ALLOWED_HOSTS",
    partial(parse_hosts, site=str(SITE.hostname)),
    [str(SITE.hostname)],
    expected="host names with commas between, among them the one in SITE_URL",
)

# --- Apps, middleware, templates -------------------------------------------------------------

INSTALLED_APPS = [
    "config.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.forms",
    "operations",
    "home",
    "reminders",
    "pause",
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
    # First, so that every response has a request id and a line in the log.
    "safety.request_log_middleware.RequestLogMiddleware",
    # Above the rest, so that files, redirects and errors get these headers too.
    "safety.headers_middleware.HeadersMiddleware",
    "safety.utf8_middleware.Utf8Middleware",
    "safety.discard_uploads_middleware.DiscardUploadsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "safety.csp_middleware.ContentSecurityPolicyMiddleware",
    "safety.admin_csp_middleware.AdminCspMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # Files were compressed at collectstatic; GZip below compresses pages.
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # BREACH: compression can leak a secret beside text that an attacker chooses. Django masks the
    # CSRF token in each response and adds random bytes to what it compresses.
    "django.middleware.gzip.GZipMiddleware",
    # Below files, which browsers may cache; above everything that renders a page.
    "safety.cache_control_middleware.CacheControlMiddleware",
    "safety.method_not_allowed_middleware.MethodNotAllowedMiddleware",
    # Above sessions and database: help and leaving work while these are down.
    "safety.missing_file_middleware.MissingFileMiddleware",
    "safety.help_middleware.HelpPagesMiddleware",
    "safety.leave_fallback_middleware.LeaveFallbackMiddleware",
    # Below leaving, which still redirects when it is busy.
    "safety.busy_middleware.BusyMiddleware",
    # Above sessions and people, and above CommonMiddleware, which checks the host.
    "operations.health_middleware.HealthMiddleware",
    "pause.boat_middleware.BoatMiddleware",
    "vault.sessions.SessionMiddleware",
    "safety.lock_after_leaving_middleware.LockAfterLeavingMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.sessions.authentication_middleware.AuthenticationMiddleware",
    "accounts.last_visit_middleware.LastVisitMiddleware",
    "accounts.locale_middleware.LocaleMiddleware",
    "healing.guide_mistakes_middleware.GuideReloadMiddleware",
    # Above the check for a sign-in: a locked session reauthenticates, it does not sign in again.
    "accounts.session_lock_middleware.SessionLockMiddleware",
    "accounts.form_owner_middleware.FormOwnerMiddleware",
    # Below FormOwnerMiddleware, which drops what has expired.
    "healing.prolong_visitor_answers_middleware.VisitorAnswersMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "accounts.next_parameter_middleware.RedirectAddressMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.erased_meanwhile_middleware.ErasedMiddleware",
    "accounts.head_middleware.HeadMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
# The site is at the root. A SCRIPT_NAME from a request would end up in cached addresses.
FORCE_SCRIPT_NAME = ""

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "config.constant_folding_loader.Loader",
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

# --- Database and cache ----------------------------------------------------------------------

DATABASES = {
    "default": env.database("DATABASE_URL", max_age=600),
}
# A request that fails leaves nothing half done.
DATABASES["default"]["ATOMIC_REQUESTS"] = True
# A database host that vanishes must not make pages hang, above all “Leave now”: limit connecting
# (seconds), unacknowledged data (milliseconds) and idle connections (seconds).
DATABASES["default"].setdefault("OPTIONS", {}).update(
    {"connect_timeout": 5, "tcp_user_timeout": 10_000, "keepalives_idle": 30}
)
# Send values apart from the SQL: Postgres reuses plans, and no log of statements can hold what
# people write.
DATABASES["default"]["OPTIONS"].update({"server_side_binding": True, "prepare_threshold": 3})
# The same database by a second connection, outside the request's transaction: rate limits must
# also count requests that fail.
DATABASES["cache"] = DATABASES["default"] | {
    "ATOMIC_REQUESTS": False,
    "TEST": {"MIRROR": "default"},
}
DATABASE_ROUTERS = ["config.cache_router.CacheRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Rate limits are stored here: they survive restarts and do not depend on Redis.
CACHES = {
    "default": {
        "BACKEND": "config.strict_database_cache.StrictDatabaseCache",
        "LOCATION": "cache",
        "KEY_FUNCTION": "config.cache_key.hash_key",
        # With Django's default of 300, load would evict the counts of rate limits.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
}

# Master keys, which wrap each person's key: "k2:<base64>,k1:<base64>". The first wraps new keys.
VAULT_KEYS = env.parsed("VAULT_KEYS", parse_master_keys, expected=MASTER_KEYS)

# --- Accounts and sessions -------------------------------------------------------------------

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
# Access to a mailbox alone must not open a person's letters.
ACCOUNT_LOGIN_BY_CODE_ENABLED = False
# Long enough for a second code.
ACCOUNT_LOGIN_TIMEOUT = int(timedelta(minutes=30).total_seconds())
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_DEFAULT_HTTP_PROTOCOL = SITE.scheme
ACCOUNT_RATE_LIMITS = {
    # The forms check these by accounts.mail_rate_limits: the error is shown beside what was typed.
    "signup": None,
    "reset_password": None,
    "confirm_email": None,
    "login_failed": "10/m/ip,10/5m/key,100/d/key",
    # Guesses at the password by someone who is signed in, on all pages together.
    "password_in_session": "10/5m/user,40/d/user",
    # Attempts at a code of six digits by someone who has the password, and by someone signed in.
    "second_step": "10/m/ip,10/5m/key,40/d/key",
    "second_step_in_session": "10/m/ip,10/5m/key,40/d/key",
    # Each may send a mail to any address.
    "manage_email": "5/m/user,10/d/user",
    # Each sends a mail and adds activity.
    "new_recovery_codes": "10/d/user",
}
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_MAX_EMAIL_ADDRESSES = 2
# Who may open an account: anyone, people with an invitation, or nobody.
REGISTRATION = env.choice("REGISTRATION", "open", ("open", "invitation", "closed"))

MFA_ADAPTER = "accounts.mfa.adapter.Adapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = DISCREET_NAME
MFA_TOTP_TOLERANCE = 0
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_PASSKEY_LOGIN_ENABLED = True
# Everyone needs a password: a locked session asks for it.
MFA_PASSKEY_SIGNUP_ENABLED = False
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
# A sign-in with a passkey takes two requests.
MFA_RATE_LIMITS = {"webauthn_login": "20/m/ip"}
MFA_FORMS = {
    "authenticate": "accounts.mfa.forms.SignInCodeForm",
    "authenticate_webauthn": "accounts.mfa.forms.SecondFactorPasskeyForm",
    "login_webauthn": "accounts.mfa.forms.SignInPasskeyForm",
    "reauthenticate": "accounts.mfa.forms.ReauthenticateCodeForm",
    "reauthenticate_webauthn": "accounts.mfa.forms.ReauthenticatePasskeyForm",
}

SESSION_ENGINE = "vault.sessions"
SESSION_COOKIE_AGE = int(timedelta(hours=12).total_seconds())
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_SERIALIZER = "vault.sessions.SealedSerializer"
MESSAGE_STORAGE = "config.bounded_message_storage.BoundedMessageStorage"

# --- Mail ----------------------------------------------------------------------------------

EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = env.parsed(
    "EMAIL_HOST", parse_server, "localhost", expected="the name of your relay: smtp.example.org"
)
EMAIL_PORT = env.integer("EMAIL_PORT", 25, minimum=1, maximum=65_535)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.boolean("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = env.boolean("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.parsed(
    "DEFAULT_FROM_EMAIL",
    parse_sender,
    # Quoted where it must be: a comma would begin a second sender.
    str(Address(DISCREET_NAME, username="notes", domain=str(SITE.hostname))),
    expected="a sender such as Notes <notes@example.org>",
)
# The folder of the local mail catcher. It opens /dev/inbox/ to anyone: never set it on a server.
MAIL_CATCHER = Path(folder) if (folder := env.text("MAIL_CATCHER", "")) else None

REDIS_URL = env.parsed(
    "REDIS_URL", parse_redis_url, expected="an address such as redis://localhost:6379/0"
)

# --- Language and time -----------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = env.parsed(
    "LANGUAGES",
    partial(parse_languages, original=LANGUAGE_CODE),
    [("en", "English")],
    expected="codes of languages with commas between, en among them: en,es",
)
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = "config.formats"
# The words of pages and mails.
LOCALE_PATHS = [BASE_DIR / "locale"]
# The words and exercises of the guide, a folder for each language. `./dev run` shows a changed file
# on reload; a server reads each file once.
GUIDE_FOLDER = BASE_DIR / "healing" / "guide"
GUIDE_RELOAD = env.boolean("GUIDE_RELOAD", default=False)

# --- Files ---------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = env.folder("STATIC_ROOT", BASE_DIR / "staticfiles")
# The help pages, which collectstatic renders to files.
PAGES_ROOT = env.folder("PAGES_ROOT", BASE_DIR / "staticpages")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "config.static_storage.StaticStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
# What browsers and robots ask for at the root of a site, whatever a page links to.
WHITENOISE_ROOT = BASE_DIR / "static" / "root"

# --- HTTP ----------------------------------------------------------------------------------

TRUSTED_PROXY_COUNT = env.integer("TRUSTED_PROXY_COUNT", 0, maximum=9)
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXY_COUNT
if TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

_COOKIE_PREFIX = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME = f"{_COOKIE_PREFIX}n"
CSRF_COOKIE_NAME = f"{_COOKIE_PREFIX}c"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
# Delete it when the browser closes: Django's year would be a trace.
CSRF_COOKIE_AGE = None
CSRF_FAILURE_VIEW = "accounts.error_views.csrf_failure"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
# Health checks reach the process directly, over http.
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
# Every feature that our pages never use. Not listed are client hints (ch-…), which browsers send
# only on request, and unload, which Django's admin uses.
_UNUSED_FEATURES = """
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
# Passkeys, for our own pages only.
PERMISSIONS_POLICY: dict[str, list[str]] = {name: [] for name in _UNUSED_FEATURES} | {
    "publickey-credentials-create": ["self"],
    "publickey-credentials-get": ["self"],
}
# A letter of 100,000 characters fits, percent-encoded.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 300

# --- Logs ----------------------------------------------------------------------------------

LOGGING_CONFIG = "config.logs.configure"
LOGGING = configuration(
    env.parsed("LOG_LEVEL", parse_level, "INFO", expected="DEBUG, INFO, WARNING or ERROR")
)
# No mail about errors, and no submitted values in an error report.
ADMINS: list[tuple[str, str]] = []
DEFAULT_EXCEPTION_REPORTER_FILTER = "safety.error_reports.HidingReporterFilter"
