import pytest
from pytest_django import Settings

from safety.checks import leave_url_is_elsewhere


@pytest.mark.parametrize("url", ["https://www.wikipedia.org/", "https://weather.example.org/x"])
def test_another_site_over_https_is_fine(url: str, settings: Settings) -> None:
    settings.LEAVE_URL = url

    assert leave_url_is_elsewhere(None) == []


@pytest.mark.parametrize("url", ["http://www.wikipedia.org/", "https://localhost/", "/today/", ""])
def test_leave_url_that_stays_or_is_open_is_an_error(url: str, settings: Settings) -> None:
    settings.LEAVE_URL = url

    assert [error.id for error in leave_url_is_elsewhere(None)] == ["safety.E001"]
