from importlib import import_module

from django.apps import AppConfig


class SafetyConfig(AppConfig):
    name = "safety"

    def ready(self) -> None:
        from safety.hidden_contact_exercises import ENDS_AT
        from safety.leaving import clear_on_lock

        import_module("safety.checks")
        clear_on_lock(ENDS_AT)
        # A mistake in a helpline must stop the start, not fail the person who needs the number.
        import_module("safety.helplines").countries()
