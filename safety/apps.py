from importlib import import_module

from django.apps import AppConfig


class SafetyConfig(AppConfig):
    name = "safety"

    def ready(self) -> None:
        import_module("safety.checks")
        # A wrong helpline must stop the start, not be found by somebody who needs it.
        import_module("safety.helplines").countries()
