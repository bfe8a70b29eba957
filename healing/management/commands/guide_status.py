from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from healing.guide_files import gaps, read_folders


class Command(BaseCommand):
    help = "Lists what is not translated, and what has changed since it was translated."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        folders = read_folders(settings.GUIDE_FOLDER)
        found = list(gaps(folders))
        for gap in found:
            state = (
                "not translated yet, or not readable"
                if gap.is_missing
                else "has no such “translates”, or the English changed since"
            )
            translates = f"translates: {gap.hash}"
            self.stdout.write(f"{gap.language}/{gap.file}: {state}. {translates}")
        for code in folders:
            if code != settings.LANGUAGE_CODE and not any(gap.language == code for gap in found):
                self.stdout.write(f"{code}: everything is translated.")
        if len(folders) == 1:
            self.stdout.write("There is one language so far.")
