#!/usr/bin/env python
import os
import sys

from django.core.management import execute_from_command_line

from config.logs import log_uncaught_errors

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    log_uncaught_errors()
    execute_from_command_line(sys.argv)
