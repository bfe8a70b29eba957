from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from healing.guide_files import mistakes, read_folders
from healing.guide_lint import problems


class Command(BaseCommand):
    help = "Reads every file of the guide, and tells every mistake with file and line."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        folders = read_folders(settings.GUIDE_FOLDER)
        found = list(mistakes(folders))
        for folder in folders.values():
            found += problems(folder)
            self.stdout.write(
                f"{folder.language}: {len(folder.steps)} steps, {len(folder.readings)} readings, "
                f"{len(folder.pages)} pages."
            )
        for mistake in sorted(found, key=lambda mistake: (mistake.file, mistake.line)):
            self.stderr.write(str(mistake))
        if found:
            raise CommandError(f"{len(found)} to mend.")
