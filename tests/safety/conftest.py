import pytest

from tests.support.client import Client


@pytest.fixture
def visitor() -> Client:
    """Somebody without an account. Without the `db` fixture, any statement fails the test."""
    return Client(raise_request_exception=False)
