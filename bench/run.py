"""`./dev bench`: our own floor and the product in one interleaved run, told as ratios.

Started by local with a Postgres of its own named in the environment. What is gated first is
processor time (the servers' own processes and Postgres), which a busy machine hardly moves;
requests per second count only where the floor itself kept its pace.
"""

import argparse
import contextlib
import json
import os
import platform
import random
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import psycopg

from bench import cpu_time, goals, page_weight
from bench.load_generator import FRESH, LETTER, OWN, TURN, Visit, ask, status_of
from local.folder import Trouble, say
from local.processes import last_lines, quietly, stop_on_signals, wait_until
from local.servers import LOOPBACK, free_port
from local.supervisor import PREPARE, WEB

SEED = 20_260
PEOPLE = 100_000
FLOOR, FEW, MANY = "floor", 1, 8
# One thread makes gunicorn's plain worker, the same for both.
SERVE = f"{WEB.command} --threads 1 --bind {LOOPBACK}:"
PAGES = {
    "today": "/today/",
    "step": "/steps/1/",
    "exercise": "/steps/1/filling-in/",
    "shelf": "/journal/",
}
WEIGHED = (*PAGES.values(), *(f"/steps/{number}/" for number in range(2, 9)))

Environment = dict[str, str]


@dataclass(frozen=True)
class Plan:
    rounds: int
    seconds: float
    at_once: tuple[int, ...]


FULL = Plan(rounds=5, seconds=3, at_once=(FEW, MANY))
QUICK = Plan(rounds=4, seconds=0.8, at_once=(MANY,))


@dataclass(frozen=True)
class Sample:
    """One visit: milliseconds of processor time per answer, answers per second, waits in ms."""

    app: float
    postgres: float
    pace: float
    p50: float
    p95: float

    @property
    def cpu(self) -> float:
        return self.app + self.postgres


Samples = dict[tuple[str, int], list[Sample]]


def main(arguments: list[str]) -> int:
    wanted = _parse(arguments)
    plan = QUICK if wanted.quick else FULL
    began = time.monotonic()
    _tell_machine(plan)
    with running(dict(os.environ)) as house:
        measured: dict[str, float] = {}
        measured |= {f"{name}_statements": count for name, count in house.statements.items()}
        measured |= page_weight.first_visit(house.port)
        measured |= page_weight.later_pages(house.port, WEIGHED, house.person)
        samples = house.measure(plan, [FLOOR, *_targets(wanted.names, house)])
    _tell_samples(samples)
    measured |= ratios(samples)
    found = goals.rows(_chosen(wanted.names), measured, is_quiet=_was_quiet(plan, samples))
    _note(f"It took {time.monotonic() - began:.0f} seconds.")
    _tell(found, as_json=wanted.json)
    return int(any(row.met is False for row in found))


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("./dev bench", description="Ourselves beside our own floor.")
    parser.add_argument("--json", action="store_true", help="one object per row, nothing else")
    parser.add_argument("--quick", action="store_true", help="about a minute, processor time only")
    parser.add_argument("names", nargs="*", help="rows that begin so, such as today or save_cpu")
    return parser.parse_args(arguments)


def _chosen(names: list[str]) -> list[goals.Goal]:
    every = goals.read()
    return [goal for goal in every if goal.name.startswith(tuple(names))] if names else every


def _targets(names: list[str], house: "House") -> list[str]:
    chosen = " ".join(goal.name for goal in _chosen(names))
    return [name for name in house.visits if name != FLOOR and (not names or f"{name}_" in chosen)]


def ratios(samples: Samples) -> dict[str, float]:
    """Each target beside the floor of the same round; the median of the rounds."""
    floor = samples[FLOOR, MANY]
    found: dict[str, float] = {}
    for (name, at_once), rounds in samples.items():
        if at_once == MANY and name != FLOOR:
            pairs = list(zip(rounds, floor, strict=True))
            found[f"{name}_cpu"] = median(ours.cpu / its.cpu for ours, its in pairs)
            found[f"{name}_requests"] = median(ours.pace / its.pace for ours, its in pairs)
    return found


def _was_quiet(plan: Plan, samples: Samples) -> bool:
    if plan is QUICK:
        return False
    paces = [sample.pace for sample in samples[FLOOR, MANY]]
    quiet = goals.is_steady(paces)
    _note(f"The floor's pace: {min(paces):.0f} to {max(paces):.0f} requests a second, "
          f"{'steady' if quiet else 'not steady, so nobody else’s is told'}.")  # fmt: skip
    return quiet


# --- The two houses ------------------------------------------------------------------------


@dataclass(frozen=True)
class House:
    port: int
    postgres: psutil.Process
    person: dict[str, str]
    statements: dict[str, int]
    visits: dict[str, Visit]
    webs: dict[int, psutil.Process]

    def measure(self, plan: Plan, names: list[str]) -> Samples:
        order = random.Random(SEED)  # noqa: S311 - an order, not a secret
        samples: Samples = {(name, many): [] for name in names for many in plan.at_once}
        for name in names:
            self._visit(name, MANY, seconds=0.5)
        for number in range(plan.rounds):
            _note(f"Round {number + 1} of {plan.rounds}, load {os.getloadavg()[0]:.1f}")
            for many in plan.at_once:
                for name in order.sample(names, len(names)):
                    samples[name, many].append(self._visit(name, many, seconds=plan.seconds))
        return samples

    def _visit(self, name: str, many: int, *, seconds: float) -> Sample:
        visit = replace(self.visits[name], at_once=many, seconds=seconds)
        servers = ([self.webs[visit.port]], [self.postgres])
        before = [cpu_time.seconds(server) for server in servers]
        told = _load(visit)
        used = [cpu_time.seconds(server) - at for server, at in zip(servers, before, strict=True)]
        if told["wrong"] or not told["answers"]:
            raise Trouble(f"{name} does not answer as it does to people: {told['wrong']}")
        app, database = (1000 * each / told["answers"] for each in used)
        pace = told["answers"] / told["seconds"]
        return Sample(app, database, pace, 1000 * told["p50"], 1000 * told["p95"])


def _load(visit: Visit) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.load_generator"]
    done = subprocess.run(  # noqa: S603 - our own program
        command, input=json.dumps(asdict(visit)), capture_output=True, text=True, check=True
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@contextlib.contextmanager
def running(environment: Environment) -> Iterator[House]:
    """The product and its floor, each on a database of its own, filled and served."""
    environment = environment | {"GUNICORN_CMD_ARGS": ""}
    floor = environment | {
        "DATABASE_URL": _new_database(environment["DATABASE_URL"], "floor"),
        "DJANGO_SETTINGS_MODULE": "bench.floor.settings",
    }
    log = Path(environment["STATIC_ROOT"]).parent / "log"
    _note("Getting ready …")
    prepare(environment, log)
    quietly(_django("migrate"), floor, log / "floor.log")
    _note(f"Filling both with {PEOPLE:,} people …")
    theirs = inside("bench.floor.fill", "fill", floor, people=PEOPLE)
    addresses = list(PAGES.values())
    ours = inside("bench.sample_data", "fill", environment, people=PEOPLE, addresses=addresses)
    # Or what was filled is written to the disk while the first rounds run.
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    with (
        _served("bench.floor.wsgi", floor, log / "floor-web.log") as (below, floor_web),
        _served("config.wsgi", environment, log / "web.log") as (port, web),
    ):
        yield House(
            port=port,
            postgres=cpu_time.postgres(environment["DATABASE_URL"]),
            person=ours["person"],
            statements=_statements(ours),
            visits=_floor_visits(below, theirs) | _visits(port, ours),
            webs={below: floor_web, port: web},
        )


def _floor_visits(port: int, filled: dict[str, Any]) -> dict[str, Visit]:
    people, form = [filled["person"]], {"csrfmiddlewaretoken": filled["token"], "body": LETTER}
    return {
        "bare": Visit(port, "/bare/", 200, [{}]),
        FLOOR: Visit(port, "/page/", 200, people),
        "floor_save": Visit(port, "/save/", 302, people, form=form),
    }


def _visits(port: int, filled: dict[str, Any]) -> dict[str, Visit]:
    pages = {name: Visit(port, path, 200, [filled["person"]]) for name, path in PAGES.items()}
    shelves = {
        f"shelf_{count}": Visit(port, PAGES["shelf"], 200, [shelf["cookies"]])
        for count, shelf in filled["shelves"].items()
    }
    return pages | shelves | _forms(port, filled)


def _forms(port: int, filled: dict[str, Any]) -> dict[str, Visit]:
    ours, writer = {"csrfmiddlewaretoken": filled["token"]}, [filled["writer"]]
    letter = ours | {"id": FRESH, "to": "R.", "body": LETTER}
    # Each time with other words, made from those that were kept last.
    draft = ours | {"id": OWN, "kind": "them", "version": TURN, "body": TURN + LETTER}
    reader = filled["shelves"][max(filled["shelves"], key=int)]["cookies"]
    words = ours | {"text": "no such words"}
    return {
        "save": Visit(port, "/journal/write/them/", 302, writer, form=letter),
        "search": Visit(port, "/journal/search/", 200, [reader], form=words),
        **{
            f"autosave_{count}": Visit(
                port, f"/journal/{OWN}/autosave/", 200, [desk["cookies"]], form=draft
            )
            for count, desk in filled["desks"].items()
        },
    }


def _statements(filled: dict[str, Any]) -> dict[str, int]:
    pages = {name: filled["statements"][path] for name, path in PAGES.items()}
    people = [*filled["shelves"].items(), *filled["desks"].items()]
    return pages | {
        f"{what}_{count}": asked
        for count, shelf in people
        for what, asked in shelf.items()
        if what != "cookies"
    }


def _new_database(url: str, name: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{url.rpartition('/')[0]}/{name}"


def _django(*words: str) -> list[str]:
    return [sys.executable, "manage.py", *words]


def prepare(environment: Environment, log: Path) -> None:
    """What is done once before the product can be served."""
    for words in PREPARE:
        quietly(_django(*words.split()), environment, log / f"{words.split()[0]}.log")


def inside(module: str, verb: str, environment: Environment, **given: Any) -> Any:
    """Do this inside the product that the environment names. What it returns, as JSON."""
    lines = (
        "import json, sys",
        f"from {module} import {verb}",
        f"json.dump({verb}(**{given!r}), sys.stdout)",
    )
    command = _django("shell", "-v", "0", "-c", "\n".join(lines))
    done = subprocess.run(  # noqa: S603 - our own program
        command, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Trouble(f"Filling the database failed.\n{done.stderr}")
    return json.loads(done.stdout)


@contextlib.contextmanager
def _served(wsgi: str, environment: Environment, log: Path) -> Iterator[tuple[int, psutil.Process]]:
    port = free_port()
    _, _, *words = shlex.split(SERVE.replace("config.wsgi", wsgi) + str(port))
    command = [sys.executable, "-m", *words]
    with log.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603 - our own program
            command, env=environment, stdout=file, stderr=file, start_new_session=True
        )
    try:
        if not wait_until(lambda: _answers(port), process, seconds=60):
            raise Trouble(f"{wsgi} does not start. {last_lines(log)}")
        yield port, cpu_time.web(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def _answers(port: int) -> bool:
    try:
        return status_of(ask(port, "/", {})) in {200, 404}
    except OSError:
        return False


# --- What is told --------------------------------------------------------------------------


def _note(words: str) -> None:
    say(words, sys.stderr)


def _tell_machine(plan: Plan) -> None:
    from importlib.metadata import version

    names = ("Django", "gunicorn", "psycopg", "tink")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    load = ", ".join(f"{each:.2f}" for each in os.getloadavg())
    _note(
        f"{os.cpu_count()} processors, {psutil.virtual_memory().total >> 30} GiB, "
        f"{platform.platform()}, load {load}\nPython {platform.python_version()}, {versions}\n"
        f"{plan.rounds} rounds of {plan.seconds:g} s, {plan.at_once} at once, order by {SEED}"
    )


def _tell_samples(samples: Samples) -> None:
    _note("Medians: target, at once | ms of processor: app + Postgres | per second | p50, p95 ms")
    for (name, at_once), rounds in samples.items():
        app, database, pace, p50, p95 = (
            median(getattr(sample, each) for sample in rounds)
            for each in ("app", "postgres", "pace", "p50", "p95")
        )
        _note(
            f"{name:<11}{at_once:>2} | {app:6.2f} + {database:.2f} | {pace:6.0f} | "
            f"{p50:.1f}, {p95:.1f}"
        )


def _tell(rows: list[goals.Row], *, as_json: bool) -> None:
    if as_json:
        for row in rows:
            say(row.as_json())
    else:
        say(goals.as_table(rows).rstrip())


if __name__ == "__main__":
    stop_on_signals()
    try:
        sys.exit(main(sys.argv[1:]))
    except Trouble as trouble:
        sys.stderr.write(f"{trouble}\n")
        sys.exit(1)
