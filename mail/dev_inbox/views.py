"""The inbox of a machine that catches its own mail. Without MAIL_CATCHER these pages are 404."""

from pathlib import Path

from csp.constants import SELF
from csp.decorators import csp_update
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from mail.dev_inbox.mailbox import CaughtMail, newest, read

# The HTML of a mail is untrusted. Its frame gets no script, no form, no origin and no requests;
# only its inline styles apply.
FRAME_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"


@login_not_required
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    return render(request, "dev_inbox/inbox.html", {"mails": newest(_folder())})


@login_not_required
@csp_update({"frame-src": [SELF]})  # type: ignore[arg-type]
@require_safe
def caught(request: HttpRequest, name: str) -> HttpResponse:
    return render(request, "dev_inbox/caught.html", {"caught": _get_mail(name)})


@login_not_required
@xframe_options_sameorigin
@require_safe
def caught_html(request: HttpRequest, name: str) -> HttpResponse:
    headers = {"Content-Security-Policy": FRAME_POLICY}
    return HttpResponse(_get_mail(name).html, headers=headers)


def _folder() -> Path:
    folder: Path | None = settings.MAIL_CATCHER
    if not folder:
        raise Http404
    return folder


def _get_mail(name: str) -> CaughtMail:
    caught = read(_folder(), name)
    if not caught:
        raise Http404
    return caught
