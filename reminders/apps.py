from django.apps import AppConfig


class RemindersConfig(AppConfig):
    name = "reminders"

    def ready(self) -> None:
        from mail import kinds
        from reminders.kinds import REMINDER

        kinds.register(REMINDER)
