from django.apps import AppConfig


class JournalConfig(AppConfig):
    name = "journal"

    def ready(self) -> None:
        from journal.mail_kinds import READY_MAIL_KIND
        from journal.search_session import SESSION_KEY
        from mail import kinds
        from safety.leaving import clear_on_lock
        from vault import expiring_session_entries

        kinds.register(READY_MAIL_KIND)
        clear_on_lock(SESSION_KEY)
        expiring_session_entries.register(SESSION_KEY)
