import pytest

from safety.busy_middleware import BUSY
from tests.support.client import Client


@pytest.mark.parametrize("method", ["get", "post"])
def test_page_that_cannot_be_served_needs_no_database(client: Client, method: str) -> None:
    response = getattr(client, method)("/today/", **{BUSY: True})

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert ("is not saved yet" in response.text) == (method == "post")
    assert 'href="/help/"' in response.text


def test_leaving_is_no_page_of_ours(client: Client) -> None:
    response = client.get("/leave/", **{BUSY: True})

    assert response.status_code == 303
    assert response.cookies["left"].value == "1"


def test_header_of_a_client_does_not_make_it_busy(client: Client) -> None:
    assert client.get("/help/", headers={BUSY: "1"}).status_code == 200


def test_missing_file_needs_no_database(client: Client) -> None:
    assert client.get("/static/js/missing.js").status_code == 404
