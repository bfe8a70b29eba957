"""The containers run what ./dev runs and the tests test."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from local.folder import ROOT
from local.servers import binaries, binary_version
from local.supervisor import BEAT, PREPARE, WEB, WORKER
from safety.postgres_logging import LOG_SETTINGS

PINNED = re.compile(r"[\w./-]+:\d+\.\d+(\.\d+)?(-[\w.-]+)?")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    composed = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return dict(composed["services"])


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_compose_file_is_valid() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run(
        [*command, "docker-compose.yml"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_containers_run_the_commands_of_dev_run(services: dict[str, Any]) -> None:
    prepare = " && ".join(f"python manage.py {words}" for words in PREPARE)
    commands = {name: services[name]["command"] for name in ("web", "worker", "beat", "migrate")}

    assert commands == {
        "web": WEB.command,
        "worker": WORKER.command,
        "beat": BEAT.command,
        "migrate": f'sh -c "{prepare}"',
    }


def test_image_alone_runs_the_web_server(dockerfile: str) -> None:
    (command,) = re.findall(r"^CMD (\[.*\])$", dockerfile, re.MULTILINE)

    assert " ".join(json.loads(command)) == WEB.command


def test_image_installs_only_what_was_locked(dockerfile: str) -> None:
    installs = re.findall(r"pip install(?:[^\n]*\\\n)*[^\n]*", dockerfile)

    assert len(installs) == 1
    assert "--require-hashes -r requirements-server.lock" in installs[0]


def test_image_is_not_run_as_root(dockerfile: str) -> None:
    assert re.findall(r"^USER (\S+)$", dockerfile, re.MULTILINE) == ["app"]


def test_every_image_is_pinned(services: dict[str, Any], dockerfile: str) -> None:
    images = {service["image"] for service in services.values()} - {"paper-boat"}
    images |= set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE))

    assert [image for image in images if not PINNED.fullmatch(image)] == []
    assert [image for image in images if "python" in image and "alpine" in image] == []


def test_postgres_is_the_same_release_everywhere(services: dict[str, Any]) -> None:
    major = binary_version(binaries() / "postgres").partition(".")[0]

    assert services["postgres"]["image"].startswith(f"postgres:{major}.")


def test_postgres_logs_no_private_text(services: dict[str, Any]) -> None:
    options = " ".join(f"-c {name}={value}" for name, value in LOG_SETTINGS.items())

    assert services["postgres"]["command"] == f"postgres {options}"


def test_programs_have_time_to_stop(services: dict[str, Any]) -> None:
    for name, program in {"web": WEB, "worker": WORKER, "beat": BEAT}.items():
        assert services[name]["stop_grace_period"] == "45s"
        assert program.stop_seconds <= 45


def test_secrets_come_from_files(services: dict[str, Any]) -> None:
    environment = services["web"]["environment"]

    for name in ("DATABASE_URL", "SECRET_KEY", "VAULT_KEYS", "EMAIL_HOST_PASSWORD"):
        assert name not in environment
        assert environment[f"{name}_FILE"] == f"/run/secrets/{name.lower()}"
        assert name.lower() in services["web"]["secrets"]


def test_only_the_site_is_reachable_from_outside(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}

    assert published == {
        "web": ["127.0.0.1:8000:8000"],
        "caddy": ["80:80", "443:443", "443:443/udp"],
    }
    assert services["postgres"]["networks"] == services["redis"]["networks"] == ["inside"]


def test_operators_are_asked_to_leave_out_what_compose_sets(services: dict[str, Any]) -> None:
    """In .env as well, a value would be ignored in silence, such as a second master key."""
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    (sentence,) = re.findall(r"Leave out (.*?):", page, re.DOTALL)

    names = {name.removesuffix("_FILE") for name in services["worker"]["environment"]}
    assert set(re.findall(r"`(\w+)`", sentence)) == names
