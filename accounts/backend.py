from uuid import UUID

from allauth.account.auth_backends import AuthenticationBackend

from accounts.models import User, UserManager
from accounts.sessions.authentication_middleware import session_owner


class Backend(AuthenticationBackend):
    """allauth's backend with one query for every address. allauth's own makes one more where there
    is no account, and response times would reveal that.

    Django and allauth write this class's module and name into sessions: moving it would sign
    everybody out.
    """

    def get_user(self, user_id: UUID) -> User | None:
        person = session_owner(user_id)
        if person is not None and self.user_can_authenticate(person):
            return person
        found: User | None = super().get_user(user_id)
        return found

    def _authenticate_by_email(self, email: str, password: str) -> User | None:
        person = User.objects.filter(email=UserManager.normalize_email(email)).first()
        authenticated: User | None = self._check_password(person, password)
        return authenticated
