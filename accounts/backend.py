from accounts.sessions.backend import EmailBackend


class Backend(EmailBackend):
    """The authentication backend under the path that every stored session names.

    Django and allauth write this class's module and name into sessions: moving it would sign
    everybody out.
    """
