"""The inbox of a machine that catches its own mail. On a server these pages do not exist."""

from pathlib import Path

from csp.constants import SELF
from csp.decorators import csp_update
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from mail.dev_inbox.mailbox import Caught, newest, read

# What a mail says in HTML is shown in a frame that may do nothing: no script, no form, no address
# of its own, nothing from anywhere. Only its own inline styles apply.
FRAME_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"


@login_not_required
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    return render(request, "dev_inbox/inbox.html", {"mails": newest(_folder())})


@login_not_required
@csp_update({"frame-src": [SELF]})  # type: ignore[arg-type]
@require_safe
def caught(request: HttpRequest, name: str) -> HttpResponse:
    return render(request, "dev_inbox/caught.html", {"caught": _read(name)})


@login_not_required
@xframe_options_sameorigin
@require_safe
def caught_html(request: HttpRequest, name: str) -> HttpResponse:
    headers = {"Content-Security-Policy": FRAME_POLICY}
    return HttpResponse(_read(name).html, headers=headers)


def _folder() -> Path:
    folder: Path | None = settings.MAIL_CATCHER
    if not folder:
        raise Http404
    return folder


def _read(name: str) -> Caught:
    caught = read(_folder(), name)
    if not caught:
        raise Http404
    return caught
