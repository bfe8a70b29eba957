from django.apps import AppConfig


class RemindersConfig(AppConfig):
    name = "reminders"

    def ready(self) -> None:
        from mail import kinds
        from reminders.mail_kinds import REMINDER

        kinds.register(REMINDER)
