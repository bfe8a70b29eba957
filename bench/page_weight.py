"""The size of a page and its files as they come over the wire, without headers."""

import gzip
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from bench.load_generator import Cookies, request

# Stylesheets, fonts, icons, scripts and images: what a browser requests by itself. It requests an
# apple-touch-icon only when somebody puts the page on a home screen.
LINKED = re.compile(
    r"<link rel=\"(?:stylesheet|preload|modulepreload|icon)\"[^>]* href=\"([^\"]+)\""
    r"|<(?:script|img)[^>]* src=\"([^\"]+)\""
)
FONT = ".woff2"

Page = tuple[str, bytes]


def fetch(port: int, path: str, cookies: Cookies) -> Page:
    """Return the head in lower case, and the body as sent."""
    head, _, body = request(port, path, cookies).partition(b"\r\n\r\n")
    return head.decode("latin-1").lower(), body


def text_of(page: Page) -> str:
    head, body = page
    return (gzip.decompress(body) if "content-encoding: gzip" in head else body).decode()


def linked_files(page: Page) -> set[str]:
    return {link or source for link, source in LINKED.findall(text_of(page))}


def first_visit(port: int) -> dict[str, float]:
    page = fetch(port, "/", {})
    sizes = {path: len(fetch(port, path, {})[1]) for path in linked_files(page) if is_ours(path)}
    total = len(page[1]) + sum(sizes.values())
    return {
        "first_visit_bytes": total,
        "first_visit_without_font_bytes": total - _size_of(sizes, FONT),
        "first_visit_files": 1 + sum(not path.endswith(FONT) for path in sizes),
        "first_visit_css_bytes": _size_of(sizes, ".css"),
        "first_visit_js_bytes": _size_of(sizes, ".js"),
    }


def _size_of(sizes: dict[str, int], suffix: str) -> int:
    return sum(size for path, size in sizes.items() if path.endswith(suffix))


def later_pages(port: int, paths: Iterable[str], cookies: Cookies) -> dict[str, float]:
    pages = [fetch(port, path, dict(cookies)) for path in paths]
    files = set().union(*map(linked_files, pages))
    heads = [fetch(port, path, {})[0] for path in files if is_ours(path)]
    return {
        "later_page_bytes": max(len(body) for _, body in pages),
        # A browser asks again for what is not immutable.
        "later_page_files": 1 + sum("immutable" not in head for head in heads),
        "other_sites": sum(not is_ours(path) for path in files),
    }


def is_ours(path: str) -> bool:
    return not urlsplit(path).netloc
