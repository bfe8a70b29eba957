"""What a page weighs as it comes over the wire, headers not counted."""

import gzip
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from bench.load_generator import ask

# What a browser fetches by itself: stylesheets, fonts, icons, scripts, pictures.
FETCHED = re.compile(r"<link[^>]* href=\"([^\"]+)\"|<(?:script|img)[^>]* src=\"([^\"]+)\"")
FONT = ".woff2"

Answer = tuple[str, bytes]


def answer(port: int, path: str, cookies: dict[str, str]) -> Answer:
    """Its head, and its body as sent."""
    head, _, body = ask(port, path, cookies).partition(b"\r\n\r\n")
    return head.decode("latin-1").lower(), body


def words(answer: Answer) -> str:
    head, body = answer
    return (gzip.decompress(body) if "content-encoding: gzip" in head else body).decode()


def files_of(page: Answer) -> set[str]:
    return {stylesheet or other for stylesheet, other in FETCHED.findall(words(page))}


def first_visit(port: int) -> dict[str, float]:
    page = answer(port, "/", {})
    sizes = {path: len(answer(port, path, {})[1]) for path in files_of(page) if is_ours(path)}
    total = len(page[1]) + sum(sizes.values())
    font = of_kind(sizes, FONT)
    return {
        "first_visit_bytes": total,
        "first_visit_without_font_bytes": total - font,
        "first_visit_files": 1 + sum(not path.endswith(FONT) for path in sizes),
        "first_visit_css_bytes": of_kind(sizes, ".css"),
        "first_visit_js_bytes": of_kind(sizes, ".js"),
    }


def of_kind(sizes: dict[str, int], ending: str) -> int:
    return sum(size for path, size in sizes.items() if path.endswith(ending))


def later_pages(port: int, paths: Iterable[str], cookies: dict[str, str]) -> dict[str, float]:
    pages = [answer(port, path, dict(cookies)) for path in paths]
    files = set().union(*map(files_of, pages))
    ours = filter(is_ours, files)
    return {
        "later_page_bytes": max(len(body) for _, body in pages),
        "later_page_files": 1 + sum("immutable" not in answer(port, path, {})[0] for path in ours),
        "other_sites": sum(not is_ours(path) for path in files),
    }


def is_ours(path: str) -> bool:
    return not urlsplit(path).netloc
