from typing import Any

from django.core.management.base import BaseCommand, CommandError

from healing.guide import FOLDER, load
from healing.guide_lint import problems
from safety.yaml_records import DataFileError


class Command(BaseCommand):
    help = "Reads every file of the guide and says what a reader would stumble over."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        count = 0
        for folder in sorted(path for path in FOLDER.iterdir() if path.is_dir()):
            try:
                guide = load(folder)
            except DataFileError as error:
                raise CommandError(str(error)) from error
            for problem in problems(guide):
                count += 1
                self.stderr.write(problem)
            self.stdout.write(
                f"{guide.language}: {len(guide.steps)} steps, {len(guide.readings)} readings, "
                f"{len(guide.pages)} pages."
            )
        if count:
            raise CommandError(f"{count} to mend.")
