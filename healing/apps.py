from importlib import import_module

from django.apps import AppConfig


class HealingConfig(AppConfig):
    name = "healing"

    def ready(self) -> None:
        from healing import visitor_answers
        from safety.leaving import clear_on_lock
        from vault import expiring_session_entries

        import_module("healing.checks")
        expiring_session_entries.register(visitor_answers.SESSION_KEY)
        # In a signed-in session they wait until the person has decided about them.
        clear_on_lock(visitor_answers.SESSION_KEY)
