"""Pages about second factors: set one up, remove it, show it at sign-in or again later."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.views import AuthenticateView, ReauthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from allauth.mfa.webauthn.views import ReauthenticateWebAuthnView
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.allauth_internals import clear_login, pending_login, ratelimit, totp
from accounts.error_views import cannot_open
from accounts.mfa import actions, app_codes, passkeys
from accounts.mfa.adapter import URL_AFTER_SETUP, has_second_factor
from accounts.mfa.forms import AddAppForm, AddPasskeyForm
from accounts.mfa.qr import qr_path
from accounts.mfa.reauthentication import (
    WithoutResume,
    recent_full_proof_required,
    record_setup_as_proof,
)
from accounts.request_types import SignedInRequest
from accounts.sessions.devices import device_name
from accounts.unverified import get_for_update
from vault.sealing import CannotOpen

FORM_METHODS = ["GET", "HEAD", "POST"]


def show_cannot_open(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Show the page that an unreadable letter gets if a seed cannot be opened."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except CannotOpen:
            return cannot_open(request)

    return wrapper


@require_safe
def index(request: SignedInRequest) -> HttpResponse:
    rows = list(Authenticator.objects.filter(user=request.user).order_by("created_at", "pk"))
    by_type = {row.type: row for row in rows}
    context = {
        "app": by_type.get(Authenticator.Type.TOTP),
        "codes": by_type.get(Authenticator.Type.RECOVERY_CODES),
        "codes_left": _unused_count(by_type.get(Authenticator.Type.RECOVERY_CODES)),
        "passkeys": [
            {"id": passkeys.public_id(row), "name": row.data["name"], "made_at": row.created_at}
            for row in rows
            if row.type == Authenticator.Type.WEBAUTHN
        ],
        "going_to": request.session.get(URL_AFTER_SETUP),
    }
    return render(request, "mfa/index.html", context)


# --- Authenticator app ---------------------------------------------------------------------


@require_http_methods(FORM_METHODS)
@recent_full_proof_required
@show_cannot_open
def add_app(request: SignedInRequest) -> HttpResponse:
    person, is_post = request.user, request.method == "POST"
    if Authenticator.Type.TOTP in person.second_factors:
        return redirect("mfa_index")
    secret = totp.get_totp_secret(regenerate=not is_post)
    form = AddAppForm(request.POST if is_post else None, person=person, secret=secret)
    if form.is_bound and form.is_valid():
        return _add_app(request, form)
    url = get_adapter().build_totp_url(person, secret)
    edge, path = qr_path(url)
    context = {
        "form": form,
        "secret": _in_groups_of_four(secret),
        "url": url,
        "edge": edge,
        "path": path,
    }
    return render(request, "mfa/totp/activate_form.html", context)


def _add_app(request: SignedInRequest, form: AddAppForm) -> HttpResponse:
    person, had_factor = request.user, has_second_factor(request.user)
    app = actions.add_app(
        person=person,
        secret=form.secret,
        session_key=request.session.session_key,
        **_device_and_now(request),
    )
    totp.clear_totp_secret(request)
    if app:
        # An onlooker may have seen the code: mark it as used, so that it cannot sign in as well.
        app_codes.use(app, form.cleaned_data["code"])
        record_setup_as_proof(request, app)
        messages.info(request, _("Your app is set up. Signing in asks for a code from it now."))
        _say_other_sessions_ended(request, had_factor)
    return redirect("mfa_view_recovery_codes")


@require_http_methods(FORM_METHODS)
@recent_full_proof_required
def remove_app(request: SignedInRequest) -> HttpResponse:
    if Authenticator.Type.TOTP not in request.user.second_factors:
        return redirect("mfa_index")
    if request.method != "POST":
        return render(request, "mfa/totp/deactivate_form.html")
    actions.remove_app(person=request.user, **_device_and_now(request))
    messages.info(request, _("The app is removed. Signing in no longer asks for its codes."))
    return redirect("mfa_index")


# --- Recovery codes ------------------------------------------------------------------------


@require_http_methods(FORM_METHODS)
@recent_full_proof_required
@show_cannot_open
def recovery_codes(request: SignedInRequest) -> HttpResponse:
    """Show the codes once, in answer to a POST: a GET may come from a prefetch or a reload."""
    row = Authenticator.objects.filter(user=request.user, type="recovery_codes").first()
    if row is None:
        raise Http404
    codes = []
    if request.method == "POST":
        codes = actions.show_recovery_codes(person=request.user, now=timezone.now())
    context = {
        "codes": [_in_groups_of_four(code) for code in codes],
        "were_shown": bool(row.data.get("shown_at")),
        "left": _unused_count(row),
        "going_to": request.session.get(URL_AFTER_SETUP),
    }
    return render(request, "mfa/recovery_codes/index.html", context)


@require_http_methods(FORM_METHODS)
@recent_full_proof_required
@show_cannot_open
def replace_recovery_codes(request: SignedInRequest) -> HttpResponse:
    if not has_second_factor(request.user):
        return redirect("mfa_index")
    if request.method != "POST":
        return render(request, "mfa/recovery_codes/generate.html")
    if not ratelimit.consume(
        request, app="allauth.account", action="new_recovery_codes", user=request.user
    ):
        said = _("New codes were made several times today. The latest ones are valid.")
        messages.warning(request, said)
        return redirect("mfa_view_recovery_codes")
    actions.replace_recovery_codes(person=request.user, **_device_and_now(request))
    return redirect("mfa_view_recovery_codes")


# --- Passkeys ------------------------------------------------------------------------------


@require_http_methods(FORM_METHODS)
@recent_full_proof_required
@show_cannot_open
def add_passkey(request: SignedInRequest) -> HttpResponse:
    person, had_factor = request.user, has_second_factor(request.user)
    if actions.has_most_passkeys(person):
        said = _("There are ten passkeys here already. Remove one to make room for another.")
        messages.warning(request, said)
        return redirect("mfa_index")
    form = AddPasskeyForm(request.POST if request.method == "POST" else None, person=person)
    if form.is_bound and form.is_valid():
        passkey = actions.add_passkey(
            person=person,
            data=form.cleaned_data["credential"],
            session_key=request.session.session_key,
            **_device_and_now(request),
        )
        if passkey:
            record_setup_as_proof(request, passkey)
            messages.info(request, _("Your passkey is set up. You can sign in with it."))
            _say_other_sessions_ended(request, had_factor)
        return redirect("mfa_index" if had_factor else "mfa_view_recovery_codes")
    context = {"form": form, "options": passkeys.registration_options(person)}
    return render(request, "mfa/webauthn/add_form.html", context)


@require_http_methods(FORM_METHODS)
@recent_full_proof_required
def remove_passkey(request: SignedInRequest, id: str) -> HttpResponse:
    passkey = passkeys.find(request.user, id)
    if passkey is None:
        raise Http404
    if request.method != "POST":
        context = {"name": passkey.data["name"], "made_at": passkey.created_at}
        return render(request, "mfa/webauthn/authenticator_confirm_delete.html", context)
    actions.remove_passkey(person=request.user, passkey=passkey, **_device_and_now(request))
    messages.info(request, _("The passkey is removed. Nobody can sign in with it any more."))
    return redirect("mfa_index")


@login_not_required
@never_cache
@require_POST
def sign_in_options(request: HttpRequest) -> HttpResponse:
    """The options for a sign-in by passkey. Asked for only when the button is pressed: they are
    stored in a session, and a visitor who only reads has none."""
    if not ratelimit.consume(request, app="allauth.mfa", action="webauthn_login"):
        return HttpResponse(status=429)
    return HttpResponse(passkeys.authentication_options(None), content_type="application/json")


# --- Showing a second factor ---------------------------------------------------------------


class Authenticate(AuthenticateView):
    """allauth's second step of a sign-in. It asks for a passkey only if the person has one."""

    def _build_forms(self) -> Any:
        posted = super()._build_forms()
        if Authenticator.Type.WEBAUTHN not in self.stage.login.user.second_factors:
            self.webauthn_form = None
        return posted

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return _with_passkey_options(super().get_context_data(**kwargs))


class ReauthenticateByCode(WithoutResume, ReauthenticateView):
    pass


class ReauthenticateByPasskey(WithoutResume, ReauthenticateWebAuthnView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return _with_passkey_options(super().get_context_data(**kwargs)) | kwargs

    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = self.render_to_response(self.get_context_data(form=form))
        return response


@login_not_required
@show_cannot_open
def authenticate(request: HttpRequest) -> HttpResponse:
    if request.user.is_anonymous and _is_login_invalid(request):
        clear_login(request)
        return redirect("account_login")
    response: HttpResponse = Authenticate.as_view()(request)
    return response


@show_cannot_open
def reauthenticate(request: HttpRequest) -> HttpResponse:
    response: HttpResponse = ReauthenticateByCode.as_view()(request)
    return response


def reauthenticate_by_passkey(request: HttpRequest) -> HttpResponse:
    response: HttpResponse = ReauthenticateByPasskey.as_view()(request)
    return response


def _is_login_invalid(request: HttpRequest) -> bool:
    """Whether the account of this pending sign-in was erased, or its pending sign-ins were
    invalidated. If not, locks the account until the request ends, so that it stays valid."""
    login = pending_login(request)
    # A pending sign-up must not be looked up: the extra query would reveal whether it is a real one
    # or one for an address that has an account.
    if login is None or login.stage != AuthenticateStage.key:
        return False
    person = get_for_update(login.user_pk) if login.user_pk else None
    return person is None or person.invalidated_pending_since(login.initiated_at)


def _with_passkey_options(context: dict[str, Any]) -> dict[str, Any]:
    if "js_data" in context:
        context["options"] = passkeys.as_json(context["js_data"]["request_options"])
    return context


def _say_other_sessions_ended(request: HttpRequest, had_factor: bool) -> None:
    if not had_factor:
        messages.info(request, _("Wherever else you were signed in, you are signed out now."))


def _device_and_now(request: HttpRequest) -> dict[str, Any]:
    return {"device": device_name(request), "now": timezone.now()}


def _unused_count(codes: Authenticator | None) -> int:
    return app_settings.RECOVERY_CODE_COUNT - codes.data["used_mask"].bit_count() if codes else 0


def _in_groups_of_four(code: str) -> str:
    return " ".join(code[at : at + 4] for at in range(0, len(code), 4))
