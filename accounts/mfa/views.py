"""Pages about second factors: setting one up, removing it, and being asked for it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.internal.stagekit import LOGIN_SESSION_KEY, clear_login
from allauth.core.internal import ratelimit
from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.views import AuthenticateView, ReauthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from allauth.mfa.totp.internal.auth import clear_totp_secret, get_totp_secret
from allauth.mfa.webauthn.views import ReauthenticateWebAuthnView
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import actions
from accounts.error_views import cannot_open
from accounts.mfa import passkeys, qr
from accounts.mfa.adapter import GOING_TO, has_second_factor
from accounts.mfa.forms import AppForm, NewPasskeyForm
from accounts.mfa.reauthentication import NothingResumed, both_again, note_set_up
from accounts.request_types import SignedInRequest
from accounts.sessions.devices import device_of
from accounts.unverified import get_for_update
from vault.sealing import CannotOpen

LOOK_AND_SEND = ["GET", "HEAD", "POST"]


def calm(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A seed that does not open is said as calmly as a letter that does not."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except CannotOpen:
            return cannot_open(request)

    return answer


@require_safe
def index(request: SignedInRequest) -> HttpResponse:
    rows = list(Authenticator.objects.filter(user=request.user).order_by("created_at", "pk"))
    kinds = {row.type: row for row in rows}
    context = {
        "app": kinds.get(Authenticator.Type.TOTP),
        "codes": kinds.get(Authenticator.Type.RECOVERY_CODES),
        "codes_left": _left(kinds.get(Authenticator.Type.RECOVERY_CODES)),
        "passkeys": [
            {"id": passkeys.id_of(row), "name": row.data["name"], "made_at": row.created_at}
            for row in rows
            if row.type == Authenticator.Type.WEBAUTHN
        ],
        "going_to": request.session.get(GOING_TO),
    }
    return render(request, "mfa/index.html", context)


# --- An app that shows codes ---------------------------------------------------------------


@require_http_methods(LOOK_AND_SEND)
@both_again
@calm
def add_app(request: SignedInRequest) -> HttpResponse:
    person, sent = request.user, request.method == "POST"
    if Authenticator.Type.TOTP in person.second_factors:
        return redirect("mfa_index")
    secret = get_totp_secret(regenerate=not sent)
    form = AppForm(request.POST if sent else None, person=person, secret=secret)
    if form.is_bound and form.is_valid():
        return _add_app(request, form)
    url = get_adapter().build_totp_url(person, secret)
    edge, path = qr.picture(url)
    context = {"form": form, "secret": _in_groups(secret), "url": url, "edge": edge, "path": path}
    return render(request, "mfa/totp/activate_form.html", context)


def _add_app(request: SignedInRequest, form: AppForm) -> HttpResponse:
    person, had = request.user, has_second_factor(request.user)
    here = request.session.session_key
    app = actions.add_app(person=person, secret=form.secret, here=here, **_how_and_when(request))
    clear_totp_secret(request)
    if app:
        # Here too it counts once: whoever saw it typed cannot sign in with it.
        app.wrap().validate_code(form.cleaned_data["code"])
        note_set_up(request, app)
        messages.info(request, _("Your app is set up. Signing in asks for a code from it now."))
        _say_where_it_holds(request, had)
    return redirect("mfa_view_recovery_codes")


@require_http_methods(LOOK_AND_SEND)
@both_again
def remove_app(request: SignedInRequest) -> HttpResponse:
    if Authenticator.Type.TOTP not in request.user.second_factors:
        return redirect("mfa_index")
    if request.method != "POST":
        return render(request, "mfa/totp/deactivate_form.html")
    actions.remove_app(person=request.user, **_how_and_when(request))
    messages.info(request, _("The app is removed. Signing in no longer asks for its codes."))
    return redirect("mfa_index")


# --- Recovery codes ------------------------------------------------------------------------


@require_http_methods(LOOK_AND_SEND)
@both_again
@calm
def codes(request: SignedInRequest) -> HttpResponse:
    """They are shown when asked for and once: never to somebody who only looks."""
    row = Authenticator.objects.filter(user=request.user, type="recovery_codes").first()
    if row is None:
        raise Http404
    person, sent = request.user, request.method == "POST"
    shown = actions.show_codes(person=person, now=timezone.now()) if sent else []
    context = {
        "codes": [_in_groups(code) for code in shown],
        "were_shown": bool(row.data.get("shown_at")),
        "left": _left(row),
        "going_to": request.session.get(GOING_TO),
    }
    return render(request, "mfa/recovery_codes/index.html", context)


@require_http_methods(LOOK_AND_SEND)
@both_again
@calm
def new_codes(request: SignedInRequest) -> HttpResponse:
    if not has_second_factor(request.user):
        return redirect("mfa_index")
    if request.method != "POST":
        return render(request, "mfa/recovery_codes/generate.html")
    actions.make_codes(person=request.user, **_how_and_when(request))
    return redirect("mfa_view_recovery_codes")


# --- Passkeys ------------------------------------------------------------------------------


@require_http_methods(LOOK_AND_SEND)
@both_again
@calm
def add_passkey(request: SignedInRequest) -> HttpResponse:
    person, had = request.user, has_second_factor(request.user)
    form = NewPasskeyForm(request.POST if request.method == "POST" else None, person=person)
    if form.is_bound and form.is_valid():
        made = form.cleaned_data["credential"]
        here = request.session.session_key
        passkey = actions.add_passkey(person=person, made=made, here=here, **_how_and_when(request))
        if passkey:
            note_set_up(request, passkey)
            messages.info(request, _("Your passkey is set up. You can sign in with it."))
            _say_where_it_holds(request, had)
        return redirect("mfa_index" if had else "mfa_view_recovery_codes")
    context = {"form": form, "options": passkeys.new_options(person)}
    return render(request, "mfa/webauthn/add_form.html", context)


@require_http_methods(LOOK_AND_SEND)
@both_again
def remove_passkey(request: SignedInRequest, id: str) -> HttpResponse:
    passkey = passkeys.named(request.user, id)
    if passkey is None:
        raise Http404
    if request.method != "POST":
        context = {"name": passkey.data["name"], "made_at": passkey.created_at}
        return render(request, "mfa/webauthn/authenticator_confirm_delete.html", context)
    actions.remove_passkey(person=request.user, passkey=passkey, **_how_and_when(request))
    messages.info(request, _("The passkey is removed. Nobody can sign in with it any more."))
    return redirect("mfa_index")


@login_not_required
@never_cache
@require_POST
def passkey_options(request: HttpRequest) -> HttpResponse:
    """What a browser needs for a sign-in by passkey. Asked for by a press of the button only:
    the answer begins a session, which somebody who reads has none of."""
    if not ratelimit.consume(request, app="allauth.mfa", action="webauthn_login"):
        return HttpResponse(status=429)
    return HttpResponse(passkeys.options(None), content_type="application/json")


# --- Being asked ---------------------------------------------------------------------------


class Authenticate(AuthenticateView):  # type: ignore[misc]
    """allauth's second step of a sign-in, asking for a passkey those who have one."""

    def _build_forms(self) -> Any:
        posted = super()._build_forms()
        if Authenticator.Type.WEBAUTHN not in self.stage.login.user.second_factors:
            self.webauthn_form = None
        return posted

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return _with_options(super().get_context_data(**kwargs))


class AgainByCode(NothingResumed, ReauthenticateView):  # type: ignore[misc]
    pass


class AgainByPasskey(NothingResumed, ReauthenticateWebAuthnView):  # type: ignore[misc]
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return _with_options(super().get_context_data(**kwargs)) | kwargs

    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = self.render_to_response(self.get_context_data(form=form))
        return response


@login_not_required
@calm
def authenticate(request: HttpRequest) -> HttpResponse:
    if request.user.is_anonymous and _is_over(request):
        clear_login(request)
        return redirect("account_login")
    response: HttpResponse = Authenticate.as_view()(request)
    return response


@calm
def reauthenticate(request: HttpRequest) -> HttpResponse:
    response: HttpResponse = AgainByCode.as_view()(request)
    return response


def reauthenticate_by_passkey(request: HttpRequest) -> HttpResponse:
    response: HttpResponse = AgainByPasskey.as_view()(request)
    return response


def _is_over(request: HttpRequest) -> bool:
    """Whether this sign-in waits for the second step of somebody who has erased their account or
    begun anew since. If not, they stay as they are until this request is answered."""
    waiting = request.session.get(LOGIN_SESSION_KEY)
    # A sign-up waits here too, perhaps for nobody: it is not asked about, and looks like any other.
    if not waiting or waiting["state"]["stages"].get("current") != AuthenticateStage.key:
        return False
    person = get_for_update(waiting["user_pk"])
    return person is None or person.invalidated_pending_since(waiting["initiated_at"])


def _with_options(context: dict[str, Any]) -> dict[str, Any]:
    if "js_data" in context:
        context["options"] = passkeys.as_json(context["js_data"]["request_options"])
    return context


def _say_where_it_holds(request: HttpRequest, had: bool) -> None:
    if not had:
        messages.info(request, _("Wherever else you were signed in, you are signed out now."))


def _how_and_when(request: HttpRequest) -> dict[str, Any]:
    return {"device": device_of(request), "now": timezone.now()}


def _left(codes: Authenticator | None) -> int:
    """How many of the ten are unused."""
    return app_settings.RECOVERY_CODE_COUNT - codes.data["used_mask"].bit_count() if codes else 0


def _in_groups(code: str) -> str:
    """Fours are easier to copy."""
    return " ".join(code[at : at + 4] for at in range(0, len(code), 4))
