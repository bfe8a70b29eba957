"""Fixtures: one deployment for all tests of this folder, each of which may break its parts."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.deployment import Deployment, build
from tests.support import smtp
from tests.support.run_folder import run_folder
from tests.support.smtp import Sink


@pytest.fixture(scope="package")
def built(collected: None) -> Iterator[Deployment]:
    if sys.platform != "linux":
        pytest.skip("NOT RUN: these tests stop and starve processes in ways that only Linux has")
    # Deleted with the folder of the run: tests/test_sweep.py reads it first.
    folder = Path(tempfile.mkdtemp(prefix="paper-boat-faults-"))
    # Postgres may have to run as another user, who must be able to enter this folder.
    folder.chmod(0o711)
    deployment = build(folder)
    try:
        deployment.open()
        yield deployment
    finally:
        deployment.close()
        if run_folder() is None:
            shutil.rmtree(folder)


@pytest.fixture
def deployment(built: Deployment) -> Deployment:
    """Everything runs, and no mail waits. No relay listens, unless a test asks for `sink`."""
    built.repair()
    return built


@pytest.fixture
def sink(deployment: Deployment) -> Iterator[Sink]:
    """A relay that accepts mail."""
    with smtp.running(deployment.relay_port) as sink:
        yield sink
