from uuid import UUID

from allauth.account.auth_backends import AuthenticationBackend

from accounts.models import User, UserManager
from accounts.sessions.authentication import who_came


class EmailBackend(AuthenticationBackend):  # type: ignore[misc]
    """allauth's, with one question for every address. Its own asks once more where there is no
    account, and that can be measured."""

    def get_user(self, user_id: UUID) -> User | None:
        person = who_came(user_id)
        if person is not None and self.user_can_authenticate(person):
            return person
        found: User | None = super().get_user(user_id)
        return found

    def _authenticate_by_email(self, email: str, password: str) -> User | None:
        person = User.objects.filter(email=UserManager.normalize_email(email)).first()
        found: User | None = self._check_password(person, password)
        return found
