"""What only the real web server shows."""

from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from tests.support.product import Product

MANY = "&".join(f"a{number}=1" for number in range(301))


@pytest.mark.parametrize("charset", ["hex", "idna", "undefined", "utf-7"])
@pytest.mark.parametrize(("query", "status"), [("a=%ff", 200), (MANY, 400)], ids=["odd", "many"])
def test_a_claimed_encoding_never_breaks_a_page(
    product: Product, charset: str, query: str, status: int
) -> None:
    """Django would decode such a query before any middleware runs, and fail."""
    connection = HTTPConnection(urlsplit(product.url).netloc, timeout=30)
    connection.request("GET", f"/?{query}", headers={"Content-Type": f"x/y; charset={charset}"})

    answer = connection.getresponse()

    assert answer.status == status
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    connection.close()
