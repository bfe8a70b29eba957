import os
from pathlib import Path

import pytest

from local.folder import HOME, RUN, LocalFolder
from local.stack import settings_names
from vault.key_ring import new_keyset

# Characters with a meaning in shells, paths or configuration files.
ODD = "a folder; with 100%s “signs” & spaces"

NEEDED = {
    "SECRET_KEY": "a long secret",
    "DATABASE_URL": "postgres://x/y",
    "REDIS_URL": "redis://x",
    "VAULT_KEYS": f"k1:{new_keyset()}",
    "DOTENV": os.devnull,
}


@pytest.fixture
def local_folder(tmp_path: Path) -> LocalFolder:
    folder = LocalFolder(tmp_path / ODD)
    folder.make()
    return folder


def without_settings() -> dict[str, str]:
    """Return the environment of this process without any setting of ours.

    Nor with what pytest-django adds to it: programs must find their settings by themselves.
    """
    ours = settings_names() | {HOME, RUN, "DJANGO_SETTINGS_MODULE"}
    return {
        name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in ours
    }


@pytest.fixture
def clean_env() -> dict[str, str]:
    return without_settings()


@pytest.fixture
def environment(clean_env: dict[str, str]) -> dict[str, str]:
    """An environment with the required settings."""
    return clean_env | NEEDED
