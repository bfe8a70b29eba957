from typing import Any

from django.contrib.staticfiles.management.commands import collectstatic

from safety import collected_files_mark, help_pages


class Command(collectstatic.Command):
    """Render the help pages after Django's command: they link to the hashed files it makes."""

    def handle(self, **options: Any) -> str | None:
        if not options["dry_run"]:
            collected_files_mark.remove_mark()
        summary: str | None = super().handle(**options)
        paths = help_pages.paths()
        if options["dry_run"]:
            return self._append(summary, f"Pretending to render {len(paths)} help pages.")
        for path in paths:
            help_pages.write(path)
        collected_files_mark.write_mark()
        return self._append(summary, f"{len(paths)} help pages rendered.")

    def _append(self, summary: str | None, line: str) -> str | None:
        return f"{summary}\n{line}" if summary else None
