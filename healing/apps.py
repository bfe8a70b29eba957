from importlib import import_module

from django.apps import AppConfig


class HealingConfig(AppConfig):
    name = "healing"

    def ready(self) -> None:
        import_module("healing.checks")
