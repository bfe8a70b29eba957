from importlib import import_module

from django.apps import AppConfig


class HomeConfig(AppConfig):
    name = "home"

    def ready(self) -> None:
        import_module("home.guide_letters_check")
        from accounts import after_sign_in_steps
        from healing import desk_letters
        from home.carry_over import page_after_sign_in
        from journal.latest_letters import latest_letters

        desk_letters.register(latest_letters)
        after_sign_in_steps.register(page_after_sign_in)
