from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page

from tests.journal.desk.desk_page import NEW, Desk
from tests.support.browser import NewPage
from tests.support.client import Client


@pytest.fixture
def desk(new_page: NewPage, as_alice: Client) -> Desk:
    """Open the desk as Alice, in a browser of its own. With `clock`, time in it stands still."""

    def open_desk(address: str = NEW, *, scripts: bool = True, clock: bool = False) -> Page:
        page = new_page(as_alice, scripts=scripts)
        if clock:
            page.clock.install(time=datetime(2026, 3, 12, 20, 14, tzinfo=UTC))
        page.goto(address)
        if clock:
            page.clock.pause_at(datetime(2026, 3, 12, 20, 30, tzinfo=UTC))
        return page

    return open_desk
