from django.apps import AppConfig


class JournalConfig(AppConfig):
    name = "journal"

    def ready(self) -> None:
        from journal.mails import READY
        from mail import kinds

        kinds.register(READY)
