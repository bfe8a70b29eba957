from typing import Any

from django.contrib.staticfiles.management.commands import collectstatic

from safety import help_pages


class Command(collectstatic.Command):
    """Django's own, and after it the help pages: they name the hashed files it has made."""

    def handle(self, **options: Any) -> str | None:
        summary: str | None = super().handle(**options)
        addresses = help_pages.addresses()
        if options["dry_run"]:
            return self._told(summary, f"Pretending to render {len(addresses)} help pages.")
        for address in addresses:
            help_pages.store(address)
        return self._told(summary, f"{len(addresses)} help pages rendered.")

    def _told(self, summary: str | None, line: str) -> str | None:
        return f"{summary}\n{line}" if summary else None
