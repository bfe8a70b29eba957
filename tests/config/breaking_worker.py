"""Our worker with tasks that break: `celery -A tests.config.breaking_worker worker`."""

from config.celery import app


@app.task(name="breaking")  # type: ignore[untyped-decorator]
def breaking(text: str) -> None:
    try:
        int(text)
    except ValueError as error:
        raise RuntimeError(text) from error


@app.task(name="printing")  # type: ignore[untyped-decorator]
def printing(text: str) -> None:
    raise SystemExit(text)
