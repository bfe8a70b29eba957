"""A password hasher for tests: Argon2 takes 0.1 s and 100 MiB each time, on purpose."""

from typing import Any

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickHasher(PBKDF2PasswordHasher):
    """Hash once instead of many times, and count how often anything was hashed."""

    algorithm = "quick"
    iterations = 1
    times = 0

    def encode(self, *args: Any, **kwargs: Any) -> str:
        QuickHasher.times += 1
        return super().encode(*args, **kwargs)
