from importlib import import_module

from django.apps import AppConfig


class SafetyConfig(AppConfig):
    name = "safety"

    def ready(self) -> None:
        import_module("safety.checks")
        # A mistake in a helpline must stop the start, not fail the person who needs the number.
        import_module("safety.helplines").countries()
