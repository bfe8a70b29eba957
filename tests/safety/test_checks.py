import pytest
from django.core.checks import INFO, WARNING
from django.core.checks.registry import registry
from django.db import connection
from pytest_django import Settings

from safety.checks import leave_url_is_elsewhere, postgres_logs_no_words, proxies_are_counted
from safety.postgres_logging import LOG_SETTINGS


@pytest.mark.parametrize("url", ["https://www.wikipedia.org/", "https://weather.example.org/x"])
def test_another_site_over_https_passes(url: str, settings: Settings) -> None:
    settings.LEAVE_URL = url

    assert leave_url_is_elsewhere(None) == []


@pytest.mark.parametrize("url", ["http://www.wikipedia.org/", "https://localhost/", "/today/", ""])
def test_leave_url_on_this_site_or_without_https_is_an_error(url: str, settings: Settings) -> None:
    settings.LEAVE_URL = url

    assert [error.id for error in leave_url_is_elsewhere(None)] == ["safety.E001"]


@pytest.mark.parametrize(
    ("https", "count", "ids"),
    [
        (False, 0, []),
        (True, 1, []),
        (True, 0, [("safety.W003", WARNING)]),
        # It may be right, so it must not fail `--fail-level WARNING`.
        (True, 2, [("safety.I001", INFO)]),
    ],
)
def test_number_of_proxies_that_cannot_be_right_is_reported(
    settings: Settings, https: bool, count: int, ids: list[tuple[str, int]]
) -> None:
    settings.HTTPS, settings.TRUSTED_PROXY_COUNT = https, count

    said = proxies_are_counted(None)

    assert [(each.id, each.level) for each in said] == ids
    assert all("Write 1" in str(each.hint) for each in said)


@pytest.mark.django_db
def test_postgres_setting_that_logs_text_is_reported_with_its_fix() -> None:
    loud = {
        "log_statement": "all",
        "log_min_duration_statement": "0",
        "log_error_verbosity": "verbose",
        "log_min_messages": "warning",
    }
    with connection.cursor() as cursor:
        for name, value in (LOG_SETTINGS | loud).items():
            cursor.execute(f"SET LOCAL {name} = '{value}'")

    warnings = {str(each.hint).split()[3]: each for each in postgres_logs_no_words(databases=["x"])}

    assert warnings.keys() == loud.keys()
    assert {each.id for each in warnings.values()} == {"safety.W010"}
    hint = "Put the line log_statement = none into postgresql.conf, or run ALTER SYSTEM SET "
    assert warnings["log_statement"].hint == (
        f"{hint}log_statement = 'none' and SELECT pg_reload_conf()."
    )
    assert "log_statement is “all”" in warnings["log_statement"].msg


@pytest.mark.django_db
def test_postgres_that_logs_no_text_passes() -> None:
    with connection.cursor() as cursor:
        for name, value in LOG_SETTINGS.items():
            cursor.execute(f"SET LOCAL {name} = '{value}'")

    assert postgres_logs_no_words(databases=["default"]) == []


def test_postgres_check_runs_only_for_a_named_database() -> None:
    assert postgres_logs_no_words(databases=None) == []
    assert postgres_logs_no_words in registry.deployment_checks
