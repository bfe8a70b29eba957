from contextlib import chdir
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.core.management.commands import compilemessages


class Command(compilemessages.Command):
    help = "Compiles our catalogues, locale/*/LC_MESSAGES/django.po, for Django to read."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        # Installed packages in .venv have catalogues of their own.
        parser.set_defaults(ignore_patterns=[".*"])

    def handle(self, *args: Any, **options: Any) -> None:
        with chdir(settings.BASE_DIR):
            super().handle(*args, **options)
