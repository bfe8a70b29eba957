"""Read the exercises of a step: fields, guard rails and follow-ups are words in its file."""

import re
from collections.abc import Collection, Iterator
from typing import Any

from healing.gathering_kinds import GATHERINGS
from healing.guide_types import RING, Bell, Choice, Exercise, Field, FollowUp, Reply, names_in
from healing.piece_url_names import PIECES
from safety.yaml_records import Record

# Exercise keys are parts of URLs: these are taken by other pages of a step.
RESERVED_KEYS = {"mark"}
# What an exercise is not offered after, or comes first after (healing/exercises_left_out.py).
GUARDS = {"safety", "why"}
ASKED_FIRST = {"safety"}

DEFAULT_LIMITS = {"text": 200, "long": 5000, "lines": 200, "checklist": 200}
COLUMN_KINDS = {"text", "long", "date", "choice"}
FIELD_KINDS = COLUMN_KINDS | {
    "lines",
    "scale",
    "grid",
    "several",
    "checklist",
    "time",
    "country",
    "rows",
    "people",
}
CHOICE_KINDS = {"choice", "scale", "grid", "several", "checklist"}
# Browsers send these also while they are empty: so it is seen whether the question was asked.
ONLY_IF_KINDS = {"text", "long", "date", "time"}
ROW_KINDS = {"lines", "rows", "people"}
MAX_ROWS = 10
# In minutes.
LONGEST_BELL = 60


def read_exercises(record: Record, *, language: str) -> tuple[Exercise, ...]:
    exercises = tuple(_exercise(each, language) for each in record.records("exercises"))
    keys = [exercise.key for exercise in exercises]
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        record.report(f"two exercises have the key “{key}”.", "exercises")
    return exercises


def _exercise(record: Record, language: str) -> Exercise:
    piece = record.one_of("piece", PIECES, "")
    exercise = Exercise(
        # A piece is its own key.
        key=piece or _key(record),
        title=record.words("title"),
        minutes=record.number("minutes"),
        intro=record.words("intro"),
        care=record.words("care", ""),
        fields=tuple(_field(each, FIELD_KINDS) for each in record.records("fields")),
        makes=record.words_or_list("makes"),
        kept=record.words("kept", ""),
        desk=record.text("desk", ""),
        piece=piece,
        gathers=record.one_of("gathers", GATHERINGS, ""),
        copies=record.flag("copies"),
        once_a_day=bool(record.one_of("once_a", {"day"}, "")),
        **_end(record),
        asked_again=_weeks(record),
        follow_up=_follow_up(record),
        keeps_closed=record.flag("keeps_closed"),
        not_after=_guards(record, "not_after"),
        first_after=_guards(record, "first_after"),
        asks_first=record.one_of("asks_first", ASKED_FIRST, ""),
        reply=_reply(record),
        public=record.flag("public"),
        question_a_page=record.flag("question_a_page"),
        lines_first=record.flag("lines_first"),
        prints=record.flag("prints"),
        language=language,
    )
    for problem, key in _exercise_problems(exercise):
        record.report(problem, key)
    record.finish()
    return exercise


def _key(record: Record) -> str:
    key = record.text("key")
    if key and (not re.fullmatch(r"[a-z][a-z-]*", key) or key in RESERVED_KEYS):
        problem = "“key” has only lower-case letters and hyphens, no space, and is not “mark”."
        record.report(problem, "key")
    return key


def _end(record: Record) -> dict[str, Any]:
    """`closes_after: {days: 14, words: …}`, or with `answers`."""
    if "closes_after" not in record:
        return {}
    end = record.record("closes_after")
    days, answers = end.number("days", 0), end.number("answers", 0)
    if bool(days) == bool(answers):
        end.report("“closes_after” needs either “days” or “answers”.")
    closed = end.words("words")
    end.finish()
    return {"closes_after_days": days, "closes_after_answers": answers, "closed": closed}


def _weeks(record: Record) -> tuple[int, ...]:
    weeks = record.texts("asked_again")
    if not all(week.isdecimal() and 1 <= int(week) <= 52 for week in weeks):
        record.report("“asked_again” is a list of weeks, as in [4, 8].", "asked_again")
        return ()
    return tuple(sorted(map(int, weeks)))


def _guards(record: Record, key: str) -> tuple[str, ...]:
    guards = record.texts(key)
    if not GUARDS.issuperset(guards):
        record.report(f"“{key}” is a list of: {', '.join(sorted(GUARDS))}.", key)
    return guards


def _reply(record: Record) -> Reply | None:
    if "reply" not in record:
        return None
    said = record.record("reply")
    reply = Reply(
        about=said.text("about"),
        familiar=said.texts("familiar"),
        several=said.number("several"),
        **{key: said.words(key) for key in ("many", "some", "none", "always")},
    )
    said.finish()
    return reply


def _follow_up(record: Record) -> FollowUp | None:
    if "follow_up" not in record:
        return None
    asked = record.record("follow_up")
    follow_up = FollowUp(
        on=asked.text("on"),
        about=asked.text("about"),
        question=asked.words("question"),
        choices=_choices(asked, "choices"),
        is_tomorrow=bool(asked.one_of("without_a_day", {"tomorrow"}, "")),
        bell=_bell(asked),
    )
    if len(follow_up.choices) < 2:
        asked.report("“choices” needs two or more.", "choices")
    asked.finish()
    return follow_up


def _bell(record: Record) -> Bell | None:
    if "bell" not in record:
        return None
    rung = record.record("bell")
    bell = Bell(rung.number("minutes", least=1, most=LONGEST_BELL), rung.words("words"))
    rung.finish()
    return bell


def _exercise_problems(exercise: Exercise) -> Iterator[tuple[str, str]]:
    """(problem, the key it belongs to)."""
    names = [field.name for field in exercise.fields]
    if len(set(names)) < len(names):
        yield "two fields have the same name.", "fields"
    single = {field.name for field in exercise.fields if not field.most}
    if not set().union(*map(names_in, exercise.makes)) <= single:
        yield "“makes” uses a name that no field has.", "makes"
    yield from _blank_problems(exercise.makes)
    if [bool(exercise.fields), bool(exercise.desk), bool(exercise.piece)].count(True) != 1:
        yield "an exercise has one of “fields”, “desk” and “piece”.", "fields"
    yield from _switch_problems(exercise)
    if exercise.follow_up:
        yield from _follow_up_problems(exercise, exercise.follow_up)
    if exercise.reply:
        yield from _reply_problems(exercise, exercise.reply)
    yield from _only_if_problems(exercise)


def _blank_problems(makes: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """A blank that is written in another way would be shown to readers as it is typed."""
    blank = "the “name” of a field between { and }, as in {who}"
    if any(brace in re.sub(r"{\w+}", "", sentence) for sentence in makes for brace in "{}"):
        yield f"a blank in “makes” is {blank}, without spaces.", "makes"
    elif makes and not any(map(names_in, makes)):
        yield f"“makes” has no blank: {blank}.", "makes"


def _switch_problems(exercise: Exercise) -> Iterator[tuple[str, str]]:
    if not set(exercise.not_after).isdisjoint(exercise.first_after):
        yield "“not_after” and “first_after” have the same word.", "first_after"
    if exercise.copies and not exercise.makes:
        yield "“copies” belongs to an exercise with “makes”.", "copies"
    if exercise.public and _needs_account(exercise):
        yield (
            "“public” does not go with “desk”, “once_a”, “closes_after”, “asked_again” or"
            " “keeps_closed”: these need an account.",
            "public",
        )
    if exercise.question_a_page and (exercise.public or exercise.reply or not exercise.fields[1:]):
        yield (
            "“question_a_page” needs two fields or more, and does not go with “public” or “reply”.",
            "question_a_page",
        )
    if exercise.prints and exercise.desk:
        yield "“prints” does not go with “desk”: a letter has its own button.", "prints"


def _reply_problems(exercise: Exercise, reply: Reply) -> Iterator[tuple[str, str]]:
    grid = exercise.field(reply.about)
    if grid is None or grid.kind != "grid":
        yield "“about” in “reply” is the name of a field of the kind grid.", "reply"
    elif not reply.familiar or not {each.key for each in grid.choices}.issuperset(reply.familiar):
        yield "“familiar” in “reply” is a list of choices of that field.", "reply"
    elif not 1 < reply.several <= len(grid.items):
        yield "“several” in “reply” is a number of its lines, 2 or more.", "reply"


def _only_if_problems(exercise: Exercise) -> Iterator[tuple[str, str]]:
    offered: set[str] = set()
    for field in exercise.fields:
        if field.only_if and field.only_if not in offered:
            yield "“only_if” is a choice of a field above, of the kind choice.", "fields"
        if field.only_if and field.kind not in ONLY_IF_KINDS:
            kinds = ", ".join(sorted(ONLY_IF_KINDS))
            yield f"a field with “only_if” has one of the kinds: {kinds}.", "fields"
        offered |= {choice.key for choice in field.choices} if field.kind == "choice" else set()


def _needs_account(exercise: Exercise) -> bool:
    """Whether what it does depends on answers of earlier days."""
    has_end = bool(exercise.closes_after_days or exercise.closes_after_answers)
    is_repeated = exercise.once_a_day or bool(exercise.asked_again)
    return bool(exercise.desk) or has_end or is_repeated or exercise.keeps_closed


def _follow_up_problems(exercise: Exercise, asked: FollowUp) -> Iterator[tuple[str, str]]:
    on = exercise.field(asked.on)
    if on is None or on.kind not in {"date", "time"}:
        yield "“on” in “follow_up” is the name of a field of the kind date or time.", "follow_up"
    if exercise.field(asked.about) is None:
        yield "“about” in “follow_up” is the name of a field.", "follow_up"
    if exercise.asked_again:
        yield "an exercise has “asked_again” or “follow_up”, not both.", "follow_up"


def _field(record: Record, kinds: Collection[str]) -> Field:
    is_known = record.is_one_of("kind", kinds)
    kind = record.one_of("kind", kinds)
    field = Field(
        name=record.text("name"),
        kind=kind,
        label=record.words("label"),
        hint=record.words("hint", ""),
        optional=record.flag("optional"),
        only_if=record.text("only_if", ""),
        # Of an unknown kind it is not known what else belongs to it.
        **(_field_details(record, kind) if is_known else {}),
    )
    if field.name and (not re.fullmatch(r"[a-z][a-z_]*", field.name) or field.name == "id"):
        problem = "“name” has only lower-case letters and underscores, no space, and is not “id”."
        record.report(problem, "name")
    if is_known:
        record.finish()
    return field


def _field_details(record: Record, kind: str) -> dict[str, Any]:
    """What a field of this kind has beside its name, label and hint."""
    details: dict[str, Any] = {}
    if kind in DEFAULT_LIMITS:
        details["limit"] = record.number("limit", DEFAULT_LIMITS[kind], least=1)
    if kind in ROW_KINDS:
        details["most"] = record.number("most", 3, least=1, most=MAX_ROWS)
    if kind in CHOICE_KINDS:
        details["choices"] = _choices(record, "choices")
        _require(record, details, "choices", kind)
    if kind == "grid":
        details["items"] = _choices(record, "items")
        _require(record, details, "items", kind)
    if kind == "checklist":
        details["own"] = record.words("own")
    if kind == "time":
        details |= {key: _time(record, key) for key in ("earliest", "latest")}
    if kind in {"rows", "people"}:
        details |= _row_details(record, kind)
    return details


def _row_details(record: Record, kind: str) -> dict[str, Any]:
    nobody = record.words("nobody", "") if kind == "people" else ""
    return {"columns": _columns(record, kind), "nobody": nobody}


def _columns(record: Record, kind: str) -> tuple[Field, ...]:
    columns = tuple(_field(column, COLUMN_KINDS) for column in record.records("columns"))
    if not columns:
        record.report(f"a field of the kind {kind} needs “columns”.", "columns")
    elif kind == "people" and (RING, "choice") not in [(each.name, each.kind) for each in columns]:
        record.report(f"people need a column “{RING}” of the kind choice.", "columns")
    return columns


def _require(record: Record, details: dict[str, Any], key: str, kind: str) -> None:
    if not details[key]:
        record.report(f"a field of the kind {kind} needs “{key}”.", key)


def _choices(record: Record, key: str) -> tuple[Choice, ...]:
    """`{often: Often, no: "No"}`: the key is stored, the words can be changed and translated."""
    choices = tuple(Choice(name, words) for name, words in record.named_words(key))
    if not all(re.fullmatch(r"[a-z][a-z_]*", choice.key) for choice in choices):
        problem = f"each name in “{key}” has only lower-case letters and underscores, no space."
        record.report(problem, key)
    return choices


def _time(record: Record, key: str) -> str:
    time = record.text(key, "")
    if time and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", time):
        record.report(f'“{key}” is a time such as "08:00".', key)
    return time
