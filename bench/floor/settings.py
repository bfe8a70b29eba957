"""Settings of the floor: the least Django that serves a page with a user on it.

What both share is imported from the product's settings, so that the comparison stays fair.
"""

from config import settings as product

SECRET_KEY = product.SECRET_KEY
DEBUG = product.DEBUG
ALLOWED_HOSTS = product.ALLOWED_HOSTS

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "bench.floor",
]

# Those of startproject, and LocaleMiddleware.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "bench.floor.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# DATABASE_URL names the floor's own database; the options are the product's.
DATABASES = {"default": product.DATABASES["default"]}
DEFAULT_AUTO_FIELD = product.DEFAULT_AUTO_FIELD

LANGUAGE_CODE = product.LANGUAGE_CODE
LANGUAGES = product.LANGUAGES
USE_I18N = product.USE_I18N
USE_TZ = product.USE_TZ
TIME_ZONE = product.TIME_ZONE

LOGGING = product.LOGGING
