import os
import shutil

import pytest

from local.folder import LocalFolder
from local.stack import locked, run_servers


@pytest.fixture(scope="session")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> LocalFolder:
    """A folder with a database, to copy: initdb takes a second."""
    folder = LocalFolder(tmp_path_factory.mktemp("initialised"))
    folder.make()
    environment = dict(os.environ, DATABASE_URL="", REDIS_URL="")
    with locked(folder, "run"), run_servers(folder, "run", environment, durable=True):
        pass
    return folder


@pytest.fixture
def folder_with_data(initialised: LocalFolder, local_folder: LocalFolder) -> LocalFolder:
    shutil.copytree(initialised.path, local_folder.path, dirs_exist_ok=True)
    return local_folder
