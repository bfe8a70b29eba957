"""The floor: as little Django as a page with a person on it takes.

What it shares with the product comes from the product's own settings, so that it moves with them.
"""

from config import settings as ours

SECRET_KEY = ours.SECRET_KEY
DEBUG = ours.DEBUG
ALLOWED_HOSTS = ours.ALLOWED_HOSTS

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "bench.floor",
]

# What a new Django project begins with, and a language for each person.
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

# The address is given by DATABASE_URL, how it is used by the product.
DATABASES = {"default": ours.DATABASES["default"]}
DEFAULT_AUTO_FIELD = ours.DEFAULT_AUTO_FIELD

LANGUAGE_CODE = ours.LANGUAGE_CODE
LANGUAGES = ours.LANGUAGES
USE_I18N = ours.USE_I18N
USE_TZ = ours.USE_TZ
TIME_ZONE = ours.TIME_ZONE

LOGGING = ours.LOGGING
