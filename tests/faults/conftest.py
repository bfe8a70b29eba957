"""One house for all faults: real servers, and real programs that each test may break."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import smtp
from tests.faults.house import House, build
from tests.smtp import Sink


@pytest.fixture(scope="session")
def built(collected: Path) -> Iterator[House]:
    if sys.platform != "linux":
        pytest.skip("NOT RUN: these tests stop and starve processes in ways that only Linux has")
    with tempfile.TemporaryDirectory(prefix="paper-boat-faults-") as folder:
        # Postgres may have to run as another user, who passes through this folder to its own.
        Path(folder).chmod(0o711)
        house = build(Path(folder), collected)
        try:
            house.open()
            yield house
        finally:
            house.close()


@pytest.fixture
def house(built: House) -> House:
    """Everything runs, and no mail waits. The relay is down unless a test asks for `sink`."""
    built.mend()
    return built


@pytest.fixture
def sink(house: House) -> Iterator[Sink]:
    """A relay that works."""
    with smtp.running(house.relay_port) as sink:
        yield sink
