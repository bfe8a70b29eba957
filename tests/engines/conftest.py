"""Fixtures: Firefox and WebKitGTK, each started once, and a tab in front of the site."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.firefox_and_webkit import FIREFOX, MISSING, WEBKIT
from tests.engines.tab import Driver, Tab
from tests.support.client import Client
from tests.support.firefox import running_firefox
from tests.support.live_site import Site
from tests.support.webkit import running_webkit

RUN = {FIREFOX: running_firefox, WEBKIT: running_webkit}
# Of Firefox itself, about pages that a driver opens and closes at once.
NOISE = re.compile("Script terminated by timeout|bounceTracking|transaction that was not yet comp")


@pytest.fixture(scope="session", params=RUN)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Driver]:
    name: str = request.param
    if name in os.environ.get(MISSING, "").split():
        pytest.skip(f"NOT RUN: there is no {name} here")
    folder: Path = tmp_path_factory.mktemp(name)
    with RUN[name](folder) as driver:
        yield driver


@pytest.fixture
def visitor(engine: Driver, site: Site) -> Iterator[Tab]:
    """The tab of a visitor, in which no script may fail and no policy be broken."""
    tab = Tab(engine, site)
    # Cookies know no ports: those of the last test's site are here.
    tab.open("/robots.txt")
    engine.delete_all_cookies()
    engine.errors(site.url)
    yield tab
    tab.close_others()
    tab.open("/robots.txt")
    assert [error for error in engine.errors(site.url) if not NOISE.search(error)] == []


@pytest.fixture
def tab(visitor: Tab, as_alice: Client) -> Tab:
    """A tab in which Alice is signed in."""
    visitor.sign_in(as_alice)
    return visitor
