from collections.abc import Callable

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

# The attributes of a request or response through which django-csp takes another policy.
CSP_OVERRIDES = {"_csp_nonce", "_csp_config", "_csp_update", "_csp_replace", "_csp_exempt"}


class ContentSecurityPolicyMiddleware(CSPMiddleware):
    """The Content-Security-Policy of the settings, built once instead of for every response.

    A response that asks django-csp for another policy or for a nonce is left to django-csp.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        super().__init__(get_response)
        self.policy = build_policy()

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        has_override = {*vars(request), *vars(response)} & CSP_OVERRIDES
        if has_override or settings.DEBUG:
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, self.policy)
        return response
