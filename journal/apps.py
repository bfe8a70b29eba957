from django.apps import AppConfig


class JournalConfig(AppConfig):
    name = "journal"

    def ready(self) -> None:
        from journal.mail_kinds import READY_MAIL_KIND
        from journal.search_session import SESSION_KEY
        from mail import kinds
        from safety.leaving import clear_on_lock

        kinds.register(READY_MAIL_KIND)
        clear_on_lock(SESSION_KEY)
