"""One house for all faults: real servers, and real programs that each test may break."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import folder_of_the_run
from tests.faults.house import House, build
from tests.support import smtp
from tests.support.smtp import Sink


@pytest.fixture(scope="package")
def built(collected: Path) -> Iterator[House]:
    if sys.platform != "linux":
        pytest.skip("NOT RUN: these tests stop and starve processes in ways that only Linux has")
    # Its folder goes with those of the run: what it holds is looked at behind all tests.
    folder = Path(tempfile.mkdtemp(prefix="paper-boat-faults-"))
    # Postgres may have to run as another user, who passes through this folder to its own.
    folder.chmod(0o711)
    house = build(folder, collected)
    try:
        house.open()
        yield house
    finally:
        house.close()
        if folder_of_the_run() is None:
            shutil.rmtree(folder)


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
