from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import allauth_internals, sign_up_origin
        from accounts.returned_forms import WAITING_FORMS
        from safety.leaving import clear_on_lock, keep_for_visitors
        from vault import expiring_session_entries

        # Somebody else may use a locked session: they must prove their identity, and nothing that
        # waited for the proof may continue by itself.
        clear_on_lock(
            allauth_internals.AUTHENTICATION_METHODS_SESSION_KEY,
            allauth_internals.REAUTHENTICATION_STATE_SESSION_KEY,
            sign_up_origin.SESSION_KEY,
        )
        # Sealed for their writers, who may sign in after somebody has left the sign-in page.
        keep_for_visitors(WAITING_FORMS)
        expiring_session_entries.register(WAITING_FORMS)
