from django.apps import AppConfig


class JournalConfig(AppConfig):
    name = "journal"

    def ready(self) -> None:
        from journal.mail_kinds import READY_MAIL_KIND
        from mail import kinds

        kinds.register(READY_MAIL_KIND)
