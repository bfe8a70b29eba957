from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from accounts.models import User
from journal.models import Letter
from operations.demo_account import EMAIL, PASSWORD
from tests.support.client import Client


@pytest.mark.parametrize(
    "command", ["make_demo", pytest.param("take_pictures", marks=pytest.mark.pictures)]
)
def test_command_refuses_a_site_that_sends_mail(
    db: None, settings: LazySettings, command: str
) -> None:
    settings.MAIL_CATCHER = None

    with pytest.raises(CommandError, match="for a laptop"):
        call_command(command)

    assert not User.objects.exists()


def test_demo_account_can_sign_in(
    client: Client, db: None, settings: LazySettings, tmp_path: Path
) -> None:
    settings.MAIL_CATCHER = tmp_path

    call_command("make_demo")
    call_command("make_demo")

    person = User.objects.get()
    assert Letter.objects.of(person).count() == 3
    client.post("/accounts/login/", {"login": EMAIL, "password": PASSWORD})
    assert "Noor" in client.get("/today/").content.decode()
