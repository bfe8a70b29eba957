"""`./dev bench`: measure the product beside a floor in one run, and report ratios.

The floor is a small Django project (bench/floor); F is what its page costs. Every round visits the
floor and the product in random order, and a ratio is taken inside a round: a machine that slows
down between rounds slows both. A row is the median of these ratios, with the lowest and the
highest. local/ starts a Postgres for this and names it in the environment.
"""

import argparse
import contextlib
import json
import os
import platform
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import psycopg

from bench import goals, page_weight
from bench.cpu_time import cpu_seconds, postgres_process
from bench.load_generator import CLIENT_UUID, LETTER, NEW_UUID, REQUEST_NUMBER, Cookies, Visit
from bench.measured_servers import call_inside, create_database, prepare, web_server
from local.folder import UserError, print_line
from local.processes import run_logged, stop_on_signals
from local.stack import Environment, manage_py

SEED = 20_260
PEOPLE = 100_000
FLOOR = "floor"
# Clients at once: one for response times, eight to keep the servers busy.
ONE, EIGHT = 1, 8
PAGES = {
    "today": "/today/",
    "step": "/steps/1/",
    "exercise": "/steps/1/filling-in/",
    "shelf": "/journal/",
}
# Those of a person with many answers.
PAGES_OF_ANSWERS = {
    "step_answers": "/steps/1/",
    "exercise_answers": "/steps/1/filling-in/",
    "gathered": "/saved/wins/",
}
WEIGHED = (*PAGES.values(), *(f"/steps/{number}/" for number in range(2, 9)))


@dataclass(frozen=True)
class Plan:
    rounds: int
    seconds: float
    clients: tuple[int, ...]


FULL = Plan(rounds=5, seconds=3, clients=(ONE, EIGHT))
QUICK = Plan(rounds=4, seconds=0.8, clients=(EIGHT,))


@dataclass(frozen=True)
class Sample:
    """One visit: milliseconds of CPU time per answer, answers per second, response times in ms."""

    app: float
    postgres: float
    per_second: float
    p50: float
    p95: float

    @property
    def cpu(self) -> float:
        return self.app + self.postgres


# By the name of the visit and the number of clients: one sample for each round.
Samples = dict[tuple[str, int], list[Sample]]


def main(arguments: list[str]) -> int:
    options = _parse(arguments)
    plan = QUICK if options.quick else FULL
    started = time.monotonic()
    _print_machine(plan)
    with running(dict(os.environ)) as product:
        counts = {
            **{f"{name}_statements": count for name, count in product.statements.items()},
            **page_weight.first_visit(product.port),
            **page_weight.later_pages(product.port, WEIGHED, product.person),
        }
        samples = product.measure(plan, [FLOOR, *_chosen_visits(options.names, product)])
    _print_samples(samples)
    values = {name: [count] for name, count in counts.items()} | ratios(samples)
    rows = goals.rows(_chosen_goals(options.names), values)
    _print_note(f"It took {time.monotonic() - started:.0f} seconds.")
    _print_rows(rows, as_json=options.json)
    return int(any(row.met is False for row in rows))


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("./dev bench", description="Ourselves beside our own floor.")
    parser.add_argument("--json", action="store_true", help="one object per row, nothing else")
    parser.add_argument("--quick", action="store_true", help="about a minute: shorter rounds")
    parser.add_argument("names", nargs="*", help="rows that begin so, such as today or save_cpu")
    return parser.parse_args(arguments)


def _chosen_goals(names: list[str]) -> list[goals.Goal]:
    every = goals.read()
    return [goal for goal in every if goal.name.startswith(tuple(names))] if names else every


def _chosen_visits(names: list[str], product: "Product") -> list[str]:
    chosen = " ".join(goal.name for goal in _chosen_goals(names))
    visits = [name for name in product.visits if name != FLOOR]
    return [name for name in visits if not names or f"{name}_" in chosen]


def ratios(samples: Samples) -> dict[str, list[float]]:
    """Return CPU time and requests per second in F, one ratio for each round."""
    floor = samples[FLOOR, EIGHT]
    found: dict[str, list[float]] = {}
    for (name, clients), rounds in samples.items():
        if clients == EIGHT and name != FLOOR:
            pairs = list(zip(rounds, floor, strict=True))
            found[f"{name}_cpu"] = [ours.cpu / base.cpu for ours, base in pairs]
            found[f"{name}_requests"] = [ours.per_second / base.per_second for ours, base in pairs]
    return found


# --- The product and the floor -------------------------------------------------------------


@dataclass(frozen=True)
class Product:
    port: int
    postgres: psutil.Process
    person: Cookies
    statements: dict[str, int]
    # Those of the floor too, which has a server and a port of its own.
    visits: dict[str, Visit]
    web_servers: dict[int, psutil.Process]

    def measure(self, plan: Plan, names: list[str]) -> Samples:
        order = random.Random(SEED)  # noqa: S311 - an order, not a secret
        samples: Samples = {(name, clients): [] for name in names for clients in plan.clients}
        for name in names:
            self._visit(name, EIGHT, seconds=0.5)
        for number in range(plan.rounds):
            _print_note(f"Round {number + 1} of {plan.rounds}, load {os.getloadavg()[0]:.1f}")
            for clients in plan.clients:
                for name in order.sample(names, len(names)):
                    sample = self._visit(name, clients, seconds=plan.seconds)
                    samples[name, clients].append(sample)
        return samples

    def _visit(self, name: str, clients: int, *, seconds: float) -> Sample:
        visit = replace(self.visits[name], clients=clients, seconds=seconds)
        servers = [self.web_servers[visit.port], self.postgres]
        before = [cpu_seconds(server) for server in servers]
        result = _generate_load(visit)
        used = [cpu_seconds(server) - start for server, start in zip(servers, before, strict=True)]
        if result["errors"] or not result["answers"]:
            raise UserError(f"{name} does not answer as it does to people: {result['errors']}")
        app, postgres = (1000 * seconds / result["answers"] for seconds in used)
        per_second = result["answers"] / result["seconds"]
        return Sample(app, postgres, per_second, 1000 * result["p50"], 1000 * result["p95"])


def _generate_load(visit: Visit) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.load_generator"]
    done = subprocess.run(  # noqa: S603 - our own program
        command, input=json.dumps(asdict(visit)), capture_output=True, text=True, check=True
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@contextlib.contextmanager
def running(environment: Environment) -> Iterator[Product]:
    """Fill and serve the product and the floor, each with a database of its own."""
    environment = environment | {"GUNICORN_CMD_ARGS": ""}
    floor = environment | {
        "DATABASE_URL": create_database(environment["DATABASE_URL"], "floor"),
        "DJANGO_SETTINGS_MODULE": "bench.floor.settings",
    }
    log = Path(environment["STATIC_ROOT"]).parent / "log"
    _print_note("Getting ready …")
    prepare(environment, log)
    run_logged(manage_py("migrate"), floor, log / "floor.log")
    _print_note(f"Filling both with {PEOPLE:,} people …")
    of_floor = call_inside("bench.floor.fill", "fill_database", floor, people=PEOPLE)
    ours = call_inside(
        "bench.sample_data",
        "fill_database",
        environment,
        people=PEOPLE,
        addresses=list(PAGES.values()),
        pages_of_answers=list(PAGES_OF_ANSWERS.values()),
    )
    # Or Postgres writes what was filled in to the disk during the first rounds.
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    with (
        web_server("bench.floor.wsgi", floor, log / "floor-web.log") as (floor_port, floor_web),
        web_server("config.wsgi", environment, log / "web.log") as (port, web),
    ):
        yield Product(
            port=port,
            postgres=postgres_process(environment["DATABASE_URL"]),
            person=ours["person"],
            statements=_statements(ours),
            visits=_floor_visits(floor_port, of_floor) | _product_visits(port, ours),
            web_servers={floor_port: floor_web, port: web},
        )


def _floor_visits(port: int, filled: dict[str, Any]) -> dict[str, Visit]:
    jars, form = [filled["person"]], {"csrfmiddlewaretoken": filled["token"], "body": LETTER}
    return {
        "bare": Visit(port, "/bare/", 200, [{}]),
        FLOOR: Visit(port, "/page/", 200, jars),
        "floor_save": Visit(port, "/save/", 302, jars, form=form),
    }


def _product_visits(port: int, filled: dict[str, Any]) -> dict[str, Visit]:
    pages = {name: Visit(port, path, 200, [filled["person"]]) for name, path in PAGES.items()}
    shelves = {
        f"shelf_{count}": Visit(port, PAGES["shelf"], 200, [shelf["cookies"]])
        for count, shelf in filled["shelves"].items()
    }
    answers = {
        name: Visit(port, path, 200, [filled["answers"]["cookies"]])
        for name, path in PAGES_OF_ANSWERS.items()
    }
    return pages | shelves | answers | _form_visits(port, filled)


def _form_visits(port: int, filled: dict[str, Any]) -> dict[str, Visit]:
    token = {"csrfmiddlewaretoken": filled["token"]}
    letter = token | {"id": NEW_UUID, "to": "R.", "body": LETTER}
    # Each request changes the text, and names the version that the one before has saved.
    draft = token | {
        "id": CLIENT_UUID,
        "kind": "them",
        "version": REQUEST_NUMBER,
        "body": REQUEST_NUMBER + LETTER,
    }
    longest_shelf = filled["shelves"][max(filled["shelves"], key=int)]
    autosave = f"/journal/{CLIENT_UUID}/autosave/"
    return {
        "save": Visit(port, "/journal/write/them/", 302, filled["writers"], form=letter),
        "search": Visit(port, longest_shelf["results"], 200, [longest_shelf["cookies"]]),
        **{
            f"autosave_{count}": Visit(port, autosave, 200, [desk["cookies"]], form=draft)
            for count, desk in filled["desks"].items()
        },
    }


def _statements(filled: dict[str, Any]) -> dict[str, int]:
    """Return the number of SQL statements by the name of a page, as in goals.toml."""
    pages = {name: filled["statements"][path] for name, path in PAGES.items()}
    answers = {
        name: filled["answers"]["statements"][path] for name, path in PAGES_OF_ANSWERS.items()
    }
    people = [*filled["shelves"].items(), *filled["desks"].items()]
    return (
        pages
        | answers
        | {
            f"{page}_{count}": statements
            for count, person in people
            for page, statements in person.items()
            if page not in ("cookies", "results")
        }
    )


# --- Output: rows on stdout, everything else on stderr ---------------------------------------


def _print_note(text: str) -> None:
    print_line(text, sys.stderr)


def _print_machine(plan: Plan) -> None:
    names = ("Django", "gunicorn", "psycopg", "tink")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    load = ", ".join(f"{average:.2f}" for average in os.getloadavg())
    _print_note(
        f"{os.cpu_count()} processors, {psutil.virtual_memory().total >> 30} GiB, "
        f"{platform.platform()}, load {load}\nPython {platform.python_version()}, {versions}\n"
        f"{plan.rounds} rounds of {plan.seconds:g} s, {plan.clients} at once, order by {SEED}"
    )


def _print_samples(samples: Samples) -> None:
    _print_note(
        "Medians: target, at once | ms of processor: app + Postgres | per second | p50, p95 ms"
    )
    for (name, clients), rounds in samples.items():
        app, postgres, per_second, p50, p95 = (
            median(getattr(sample, column) for sample in rounds)
            for column in ("app", "postgres", "per_second", "p50", "p95")
        )
        _print_note(
            f"{name:<11}{clients:>2} | {app:6.2f} + {postgres:.2f} | {per_second:6.0f} | "
            f"{p50:.1f}, {p95:.1f}"
        )
    paces = [sample.per_second for sample in samples[FLOOR, EIGHT]]
    _print_note(f"The floor served {min(paces):.0f} to {max(paces):.0f} requests a second.")


def _print_rows(rows: list[goals.Row], *, as_json: bool) -> None:
    if as_json:
        for row in rows:
            print_line(row.as_json())
    else:
        print_line(goals.as_table(rows).rstrip())


if __name__ == "__main__":
    stop_on_signals()
    try:
        sys.exit(main(sys.argv[1:]))
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
