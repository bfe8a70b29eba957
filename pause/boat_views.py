from csp.constants import NONE
from csp.decorators import csp_replace
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.views.decorators.http import require_safe

from safety import signed_in_cookie
from safety.context_processors import site

# What the page needs of the site’s policy, and no more. Its icon is in the page itself: a picture
# from an address, even from one of ours, could carry words in it.
POLICY = {
    "connect-src": [NONE],
    "form-action": [NONE],
    "img-src": ["data:"],
    "manifest-src": None,
    "worker-src": [NONE],
}


@login_not_required
@require_safe
@transaction.non_atomic_requests
@csp_replace(POLICY)
def boat(request: HttpRequest) -> HttpResponse:
    """Words that nobody gets and nothing keeps (ADR 33). BoatMiddleware answers with it above
    sessions and database: nobody’s account has to do with it.

    Without an address of a neutral page the script of “Leave now” opens /leave/ itself, instead of
    sending a request from here that the policy would refuse.
    """
    language, is_signed_in = signed_in_cookie.reader(request)
    context = {
        **site(request),
        "leave_url": "",
        "user": {"is_authenticated": is_signed_in},
        "is_plain": request.GET.get("paper") == "plain",
    }
    with translation.override(language):
        response = HttpResponse(render_to_string("pause/boat.html", context))
    response.headers["Vary"] = "Cookie, Accept-Language"
    return response
