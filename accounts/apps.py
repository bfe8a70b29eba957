from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import allauth_internals
        from safety.leaving import clear_on_lock

        # Somebody else may use a locked session: they must prove their identity, and nothing that
        # waited for the proof may continue by itself.
        clear_on_lock(
            allauth_internals.AUTHENTICATION_METHODS_SESSION_KEY,
            allauth_internals.REAUTHENTICATION_STATE_SESSION_KEY,
        )
