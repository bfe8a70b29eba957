"""The house as it stands on this machine: servers, settings, and the running product."""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local.folder import HOME, ROOT, RUN, Place, State, Trouble, say
from local.processes import quietly, recover, swept
from local.servers import LOOPBACK, free_port, is_free, postgres, redis
from local.supervisor import CATCHER, PREPARE, PROGRAMS, Program, Supervisor, supervised

Environment = dict[str, str]
# What a second ./dev needs to know to use the servers of the first.
SHARED = (
    "DATABASE_URL", "REDIS_URL", "SECRET_KEY", "VAULT_KEYS", "SITE_URL", "EMAIL_HOST",
    "EMAIL_PORT", "MAIL_CATCHER", "STATIC_ROOT", "PAGES_ROOT",
)  # fmt: skip


@dataclass(frozen=True)
class Product:
    environment: Environment
    supervisor: Supervisor


def open_place() -> Place:
    place = Place(Path(os.environ.get(HOME) or ROOT / ".local").absolute())
    place.make()
    return place


@contextlib.contextmanager
def held(place: Place, verb: str) -> Iterator[None]:
    """This folder for ourselves, with nothing running in it."""
    with place.locked(verb):
        recover(place)
        yield


# --- Settings ------------------------------------------------------------------------------


def given() -> Environment:
    """The environment, and under it what `.env` says: as the settings will read them."""
    from dotenv import dotenv_values

    file = dotenv_values(os.environ.get("DOTENV") or ROOT / ".env")
    return {name: value for name, value in file.items() if value} | dict(os.environ)


def is_given(environment: Environment, name: str) -> bool:
    return bool(environment.get(name) or environment.get(f"{name}_FILE"))


def name_the_rest(place: Place, environment: Environment, port: int) -> None:
    """Where this machine's product lives, keeps its files and leaves its mail, unless given."""
    if not is_given(environment, "EMAIL_HOST"):
        environment["EMAIL_HOST"] = LOOPBACK
        environment["EMAIL_PORT"] = str(free_port())
        environment.setdefault("MAIL_CATCHER", str(place.folder / "mail"))
    environment.setdefault("SITE_URL", f"http://localhost:{port}")
    environment.setdefault("STATIC_ROOT", str(place.folder / "static"))
    environment.setdefault("PAGES_ROOT", str(place.folder / "pages"))
    more = environment.get("GUNICORN_CMD_ARGS", "")
    environment["GUNICORN_CMD_ARGS"] = f"{more} --bind {LOOPBACK}:{port}".strip()


def wanted_port(environment: Environment) -> int:
    wanted = environment.get("PORT") or "8000"
    if not wanted.isdecimal() or int(wanted) > 65_535:
        raise Trouble(f"PORT is “{wanted}”, which is no port: choose one from 1024 to 65535.")
    port = int(wanted)
    if port and not is_free(port):
        raise Trouble(
            f"Port {port} is taken by another program: stop that one, or choose another port, "
            f"as in PORT={port + 1} ./dev run"
        )
    return port or free_port()


def settings_names() -> set[str]:
    """Every name that the settings read, as `.env.example` lists them."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return set(re.findall(r"^#? ?([A-Z_]+)=", text, flags=re.MULTILINE))


# --- Servers -------------------------------------------------------------------------------


@contextlib.contextmanager
def servers(place: Place, verb: str, environment: Environment, *, keep: bool) -> Iterator[State]:
    """Postgres and Redis, as far as none are named in the environment; then it names them."""
    own = place.read_secrets()
    for name in ("SECRET_KEY", "VAULT_KEYS"):
        if not is_given(environment, name):
            environment[name] = own[name]
    state = State(verb)
    environment[RUN] = state.run
    place.write_state(state)
    with swept(place, state.run, state.pids), contextlib.ExitStack() as stack:
        if not is_given(environment, "DATABASE_URL"):
            server = postgres(place, own["POSTGRES_PASSWORD"], environment, state.pids, keep=keep)
            environment["DATABASE_URL"] = stack.enter_context(server)
        if not is_given(environment, "REDIS_URL"):
            server = redis(place, own["REDIS_PASSWORD"], environment, state.pids)
            environment["REDIS_URL"] = stack.enter_context(server)
        state.environment = {
            name: environment[name]
            for shared in SHARED
            for name in (shared, f"{shared}_FILE")
            if name in environment
        }
        place.write_state(state)
        yield state


@contextlib.contextmanager
def settings_at_hand(verb: str) -> Iterator[Environment]:
    """The settings of the product that runs here, or servers for as long as this takes."""
    place = open_place()
    shared = settings_of_running(place)
    if shared:
        yield shared
        return
    environment = given()
    with held(place, verb):
        name_the_rest(place, environment, free_port())
        with servers(place, verb, environment, keep=True):
            yield environment


def settings_of_running(place: Place) -> Environment | None:
    state = place.read_state() if place.in_use() else None
    if state is None or state.verb != "run" or not state.environment:
        return None
    return given() | state.environment


@contextlib.contextmanager
def thrown_away(verb: str = "test", *, keep: bool = False) -> Iterator[Environment]:
    """Servers and secrets that are gone afterwards; nobody's own settings reach in.

    Where time is measured Postgres writes as if its data were to `keep`.
    """
    names = settings_names()
    environment = {
        name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in names
    }
    with tempfile.TemporaryDirectory(prefix="paper-boat-") as folder:
        place = Place(Path(folder))
        # Postgres may have to run as another user, who passes through this folder to its own.
        place.folder.chmod(0o711)
        place.make()
        temporary = place.folder / "tmp"
        temporary.mkdir(mode=0o711)
        environment |= {
            "DOTENV": os.devnull,
            "SITE_URL": "http://localhost:8000",
            "STATIC_ROOT": str(place.folder / "static"),
            "PAGES_ROOT": str(place.folder / "pages"),
            # What programs leave in passing goes with the rest.
            "TMPDIR": str(temporary),
        }
        with servers(place, verb, environment, keep=keep):
            yield environment


# --- The running product -------------------------------------------------------------------


@contextlib.contextmanager
def product(place: Place, port: int) -> Iterator[Product]:
    environment = given()
    name_the_rest(place, environment, port)
    say("Getting ready …")
    with servers(place, "run", environment, keep=True) as state:
        for words in PREPARE:
            quietly(django(words), environment, place.log / f"{words.split()[0]}.log")
        with supervised(place, _programs(environment), environment, state.pids) as supervisor:
            place.write_state(state)
            supervisor.wait_until_ready(port, environment["SITE_URL"])
            yield Product(environment, supervisor)


def _programs(environment: Environment) -> dict[str, Program]:
    return {
        name: program
        for name, program in PROGRAMS.items()
        if program is not CATCHER or is_given(environment, "MAIL_CATCHER")
    }


def django(words: str) -> list[str]:
    return [sys.executable, "manage.py", *words.split()]
