"""Our worker, with one task more: `celery -A tests.config.breaking_worker worker`."""

from config.celery import app


@app.task(name="breaking")  # type: ignore[untyped-decorator]
def breaking(words: str) -> None:
    try:
        int(words)
    except ValueError as error:
        raise RuntimeError(words) from error


@app.task(name="printing")  # type: ignore[untyped-decorator]
def printing(words: str) -> None:
    raise SystemExit(words)
