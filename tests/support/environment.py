import os
from pathlib import Path

import pytest

from local.folder import HOME, RUN, Place
from local.stack import settings_names
from vault.sealing import new_keyset

# Everything that a shell, a path or a configuration file might read as something else.
ODD = "a folder; with 100%s “signs” & spaces"

NEEDED = {
    "SECRET_KEY": "a long secret",
    "DATABASE_URL": "postgres://x/y",
    "REDIS_URL": "redis://x",
    "VAULT_KEYS": f"k1:{new_keyset()}",
    "DOTENV": os.devnull,
}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path / ODD)
    place.make()
    return place


@pytest.fixture
def bare() -> dict[str, str]:
    """The environment of someone who has set nothing."""
    ours = settings_names() | {HOME, RUN}
    return {
        name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in ours
    }


@pytest.fixture
def environment(bare: dict[str, str]) -> dict[str, str]:
    """Of someone who has set what the settings need."""
    return bare | NEEDED
