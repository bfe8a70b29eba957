import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from html import unescape
from io import StringIO
from pathlib import Path
from shutil import copytree

import pytest
from django.conf import settings
from django.core.files.storage import storages
from django.core.management import call_command
from django.template.loader import render_to_string
from pytest_django import Settings

from safety import collected_files_mark, help_pages, signed_in_cookie
from safety.context_processors import site
from safety.helpline_types import Country, Kind
from safety.helplines import countries
from tests.support.client import Client
from vault.sessions import cookie_for

PATHS = ["/help/", *(f"/help/{code}/" for code in countries()), "/help/elsewhere/"]


@pytest.mark.parametrize("address", PATHS)
def test_help_is_the_rendered_file_and_needs_no_database(visitor: Client, address: str) -> None:
    response = visitor.get(address)

    assert response.status_code == 200
    assert response.content == help_pages.file(address).read_bytes()
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-cache"
    assert not response.cookies


@pytest.mark.usefixtures("database_down")
@pytest.mark.parametrize("address", PATHS)
def test_help_stays_up_when_the_database_is_down(visitor: Client, address: str) -> None:
    visitor.cookies[settings.SESSION_COOKIE_NAME] = cookie_for("of-somebody-signed-in")

    response = visitor.get(address)

    assert response.status_code == 200
    assert response.content == help_pages.file(address).read_bytes()


def test_help_has_the_navigation_of_who_is_signed_in(as_alice: Client) -> None:
    as_alice.get("/today/")

    page = as_alice.get("/help/gb/")
    as_alice.get("/leave/")
    after_leaving = as_alice.get("/help/gb/")

    assert as_alice.cookies[signed_in_cookie.name()].value == ""
    assert page.content == help_pages.file("/help/gb/", signed_in=True).read_bytes()
    assert page.headers["Vary"].startswith("Cookie")
    assert 'href="/journal/"' in page.content.decode()
    assert after_leaving.content == help_pages.file("/help/gb/").read_bytes()


def test_word_of_being_signed_in_goes_at_sign_out(as_alice: Client) -> None:
    as_alice.get("/today/")
    set_at_sign_in = as_alice.cookies[signed_in_cookie.name()]

    as_alice.post("/accounts/logout/")

    assert (set_at_sign_in.value, bool(set_at_sign_in["httponly"])) == ("here", True)
    assert as_alice.cookies[signed_in_cookie.name()].value == ""


def test_help_ignores_the_accept_header(visitor: Client) -> None:
    assert visitor.get("/help/", headers={"accept": "application/json"}).status_code == 200


def test_help_head_is_empty(visitor: Client) -> None:
    response = visitor.head("/help/gb/")

    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_help_allows_get_and_head_only(visitor: Client, method: str) -> None:
    response = getattr(visitor, method)("/help/")

    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("address", ["/help/xx/", "/help/unknown/", "/help/xx/yy/", "/help/..%2f/"])
def test_unknown_country_offers_the_others(visitor: Client, address: str) -> None:
    response = visitor.get(address)

    assert response.status_code == 404
    assert response.content == help_pages.file("/help/elsewhere/").read_bytes()
    assert 'href="/help/"' in response.content.decode()


@pytest.mark.parametrize(
    ("address", "target"),
    [("/help", "/help/"), ("/help/gb", "/help/gb/"), ("/help/GB/", "/help/gb/")],
)
def test_sloppy_path_redirects_to_the_page(visitor: Client, address: str, target: str) -> None:
    response = visitor.get(address)

    assert (response.status_code, response.headers["Location"]) == (301, target)


def test_help_without_files_is_rendered_the_same(
    visitor: Client, settings: Settings, tmp_path: Path
) -> None:
    on_disk = visitor.get("/help/gb/").content
    settings.PAGES_ROOT = tmp_path
    early = Client()

    assert early.get("/help/").status_code == 200
    assert early.get("/help/gb/").content == on_disk
    assert early.get("/help/xx/").status_code == 404


@pytest.mark.parametrize("code", countries())
def test_country_page_has_every_number_as_a_link(code: str) -> None:
    country = countries()[code]
    html = help_pages.render(f"/help/{code}/", language="en")
    links = [unescape(link) for link in re.findall(r'href="((?:tel|sms):[^"]+)"', html)]

    expected = [each.number.href for each in country.emergency]
    for _kind, lines in country.by_kind():
        for line in lines:
            expected += [*(n.href for n in line.numbers), *([line.sms.href] if line.sms else [])]

    assert links == expected
    assert "https://findahelpline.com/" in html
    assert "stays in the phone’s own list" in html


@pytest.mark.parametrize("code", countries())
def test_country_page_says_once_and_first_that_nobody_has_tried_its_numbers(code: str) -> None:
    html = help_pages.render(f"/help/{code}/", language="en")

    [at] = [match.start() for match in re.finditer("We have not called these numbers", html)]
    assert at < html.index('href="tel:')


def test_country_page_whose_numbers_were_all_tried_has_no_such_note() -> None:
    country = _tried(countries()["nl"])

    html = render_to_string("safety/lines.html", site(None) | {"country": country})

    assert "We have not called these numbers" not in html
    assert html.count("Tried by us on 1 December 2026.") == 1 + len(country.lines)


def test_country_without_a_line_says_what_to_do_instead() -> None:
    country = countries()["nz"]
    crisis = tuple(line for line in country.lines if line.kind == Kind.CRISIS)

    html = render_to_string(
        "safety/lines.html", site(None) | {"country": replace(country, lines=crisis)}
    )

    assert html.count("We have found no line for this here yet.") == 2
    assert html.count("If you are in danger, call 111.") == 2


def _tried(country: Country) -> Country:
    day = date(2026, 12, 1)
    emergency = tuple(replace(each, checked_on=day) for each in country.emergency)
    lines = tuple(replace(each, checked_on=day) for each in country.lines)
    return replace(country, emergency=emergency, lines=lines)


@pytest.mark.parametrize("address", PATHS)
def test_every_help_page_says_what_to_do_about_someone_elses_safety(address: str) -> None:
    html = help_pages.render(address, language="en")

    assert 'id="their-safety"' in html
    assert "tell someone who can look in on them" in html


@pytest.mark.parametrize("address", PATHS)
def test_every_help_page_has_something_for_young_people(address: str) -> None:
    assert 'id="young"' in help_pages.render(address, language="en")


SENDING_TO_HELP = ["/", "/about/", "/terms/", "/accounts/signup/"]
SENDING_TO_HELP += ["/steps/2/", "/learn/why-people-go-silent/"]


@pytest.mark.parametrize("address", SENDING_TO_HELP)
def test_links_into_the_help_page_lead_to_a_section_that_is_there(
    client: Client, db: None, address: str
) -> None:
    sections = re.findall(r'href="/help/#([^"]+)"', client.get(address).text)
    html = help_pages.render("/help/", language="en")

    assert sections
    assert [section for section in sections if f'id="{section}"' not in html] == []


def test_help_lists_every_country_and_says_what_this_is() -> None:
    html = help_pages.render("/help/", language="en")

    assert re.findall(r'href="(/help/[a-z]+/)"', html) == PATHS[1:]
    assert html.index("https://findahelpline.com/") < html.index("/help/au/")
    assert "It is not therapy, and no one here watches over what you write" in html
    assert "<title>Help – Notes</title>" in html


def test_collectstatic_again_changes_nothing(tmp_path: Path, settings: Settings) -> None:
    """On copies, since other processes of the suite read the collected files."""
    for name in ("STATIC_ROOT", "PAGES_ROOT"):
        setattr(settings, name, copytree(getattr(settings, name), tmp_path / name))
    # Only the pages are compared, and compressing the rest takes seconds.
    settings.WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ["css", "js", "svg", "txt", "json"]
    before = _rendered_files()

    call_command("collectstatic", interactive=False, verbosity=0)

    assert _rendered_files() == before
    assert collected_files_mark.problem() == ""
    pages = ["help.html", "help/elsewhere.html", *(f"help/{code}.html" for code in countries())]
    assert sorted(before) == sorted([*pages, *(f"signed-in/{page}" for page in pages)])


def test_collectstatic_that_is_interrupted_counts_as_not_collected(
    tmp_path: Path, settings: Settings
) -> None:
    for name in ("STATIC_ROOT", "PAGES_ROOT"):
        setattr(settings, name, copytree(getattr(settings, name), tmp_path / name))
    Path(settings.PAGES_ROOT, "en", "help.new").mkdir()
    assert collected_files_mark.problem() == ""

    with pytest.raises(IsADirectoryError):
        call_command("collectstatic", interactive=False, verbosity=0, post_process=False)

    assert collected_files_mark.problem() == "not collected"


def _rendered_files() -> dict[str, bytes]:
    folder = Path(settings.PAGES_ROOT, "en")
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.fixture
def manifest() -> Iterator[None]:
    """Reload the manifest of hashed files, which a dry run empties for this process."""
    yield
    files = storages["staticfiles"]
    files.hashed_files, files.manifest_hash = files.load_manifest()


@pytest.mark.usefixtures("manifest")
def test_collectstatic_dry_run_renders_nothing(tmp_path: Path, settings: Settings) -> None:
    settings.PAGES_ROOT = tmp_path
    out = StringIO()

    call_command("collectstatic", interactive=False, dry_run=True, stdout=out)

    assert list(tmp_path.iterdir()) == []
    assert f"Pretending to render {len(countries()) + 2} help pages." in out.getvalue()


def test_safety_page_is_for_everyone(visitor: Client) -> None:
    response = visitor.get("/safety/")

    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-cache"
    assert "Shift three times" in response.content.decode()
