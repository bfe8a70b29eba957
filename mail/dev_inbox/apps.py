from django.apps import AppConfig


class DevInboxConfig(AppConfig):
    name = "mail.dev_inbox"
