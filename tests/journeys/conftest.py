"""Fixtures: the whole product, as `./dev run` starts it, and browsers in front of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.journeys.main_job import do_everything_then_stay_away
from tests.support.browser import STILL, NewContext
from tests.support.product import Product, running_product
from tests.support.waiting import PATIENCE


@pytest.fixture(scope="package")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running_product(tmp_path_factory.mktemp("a home")) as product:
        yield product


@pytest.fixture
def new_context(browser: Browser, product: Product) -> Iterator[NewContext]:
    """Open a browser context for a person, in which nothing may go wrong."""
    with _checked_contexts(browser, product) as new_context:
        yield new_context


@pytest.fixture(scope="module")
def module_context(browser: Browser, product: Product) -> Iterator[NewContext]:
    """The same, for fixtures of a whole module."""
    with _checked_contexts(browser, product) as new_context:
        yield new_context


@pytest.fixture(scope="package")
def two_people_away(browser: Browser, product: Product) -> None:
    with _checked_contexts(browser, product) as new_context:
        do_everything_then_stay_away(product, new_context)


# Added to every page before its own scripts: log each refusal, whatever the browser itself logs.
LOG_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.debug(`Policy refused: ${event.effectiveDirective} ${event.blockedURI}`));
"""
# In what the browser or a script logs where a page breaks our policy.
BROKEN_POLICY = ("Policy", "Trusted", "TypeError")


@contextmanager
def _checked_contexts(browser: Browser, product: Product) -> Iterator[NewContext]:
    """No page may break our policy, raise an error in a script or reach another site."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def make(**options: Any) -> BrowserContext:
        context = browser.new_context(base_url=product.url, **STILL | options)
        context.set_default_timeout(PATIENCE * 1000)
        context.add_init_script(LOG_VIOLATIONS)
        context.on("page", lambda page: _collect_errors(page, wrong, product.url))
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    assert wrong == []


def _collect_errors(page: Page, wrong: list[str], url: str) -> None:
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: _collect_violation(line, wrong))
    page.on(
        "request",
        lambda request: None if request.url.startswith(url) else wrong.append(request.url),
    )


def _collect_violation(line: ConsoleMessage, wrong: list[str]) -> None:
    if any(each in line.text for each in BROKEN_POLICY):
        wrong.append(f"{line.page and line.page.url}: {line.text}")
