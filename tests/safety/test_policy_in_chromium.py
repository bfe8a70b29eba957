"""The Content Security Policy in a real browser: injected code does not run.

That our pages keep to it shows where they are walked through: see tests/journeys/conftest.py.
"""

from uuid import uuid4

import pytest
from django.conf import settings
from playwright.sync_api import Page, Route

from tests.support.browser import NewContext
from tests.support.gunicorn_server import Web

pytestmark = [pytest.mark.browser, pytest.mark.django_db]

# Added to every page before its own scripts.
RECORD_VIOLATIONS = """
window.refused = []
document.addEventListener("securitypolicyviolation", event =>
  window.refused.push(`${event.effectiveDirective} ${event.blockedURI}`))
"""


def open_page(new_context: NewContext, server: Web, cookie: str | None, said: list[str]) -> Page:
    address = f"http://localhost:{server.port}"
    context = new_context(extra_http_headers={"X-Forwarded-Proto": "http"})
    context.add_init_script(RECORD_VIOLATIONS)
    if cookie:
        name = settings.SESSION_COOKIE_NAME
        context.add_cookies([{"name": name, "value": cookie, "url": address}])
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    return page


INJECTED = """
<script>window.hit = "an inline script"</script>
<script src="https://evil.example/x.js"></script>
<script src="data:text/javascript,window.hit=1"></script>
<img src="x" onerror="window.hit = 'a handler'">
<img src="https://evil.example/seen.png">
<svg onload="window.hit = 'a drawing'"></svg>
<style>h1 { color: rgb(1, 2, 3) }</style>
<p style="color: rgb(1, 2, 3)">words</p>
<iframe srcdoc="<script>parent.hit = 'a frame'</script>"></iframe>
<object data="data:text/html,<script>1</script>"></object>
<link rel="stylesheet" href="https://evil.example/x.css">
<base href="https://evil.example/">
<meta http-equiv="Content-Security-Policy" content="script-src *">
<a id="link" href="javascript:window.hit = 'a link'">words</a>
<form id="form" action="https://evil.example/" method="post"></form>
"""
REFUSED = {
    "script-src-elem inline",
    "script-src-elem https://evil.example/x.js",
    "script-src-elem data",
    "script-src-attr inline",
    "img-src https://evil.example/seen.png",
    "style-src-elem inline",
    "style-src-attr inline",
    "style-src-elem https://evil.example/x.css",
    "base-uri https://evil.example/",
    "form-action https://evil.example/",
}


def test_what_somebody_put_into_a_page_does_nothing(
    new_context: NewContext, web_server: Web, session_cookie: str
) -> None:
    """As if a page had not escaped it: our own response, with this in the middle."""
    said: list[str] = []
    asked: list[str] = []
    failed: list[str] = []
    page = open_page(new_context, web_server, session_cookie, said)
    page.on("requestfinished", lambda request: asked.append(request.url))
    page.on("requestfailed", lambda request: failed.append(f"{request.failure} {request.url}"))

    def inject(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("<h1", f"{INJECTED}<h1", 1))

    page.route("**/journal/write/them/", inject)
    page.goto(f"http://localhost:{web_server.port}/journal/write/them/", wait_until="load")
    page.evaluate("document.querySelector('#link').click()")
    page.evaluate("document.querySelector('#form').submit()")
    page.wait_for_function("window.refused.some(each => each.startsWith('form-action'))")

    assert page.evaluate("window.hit") is None
    assert set(page.evaluate("window.refused")) >= REFUSED
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") != "rgb(1, 2, 3)"
    assert [url for url in asked if "evil" in url] == []
    assert [why for why in failed if "evil" in why and not why.startswith("csp ")] == []


def test_scripts_cannot_make_markup_of_words(
    new_context: NewContext, web_server: Web, session_cookie: str
) -> None:
    page = open_page(new_context, web_server, session_cookie, [])
    page.goto(f"http://localhost:{web_server.port}/learn/")

    for sink in (
        "document.body.innerHTML = '<b>x</b>'",
        "document.write('<b>x</b>')",
        "document.createElement('script').text = '1'",
        "trustedTypes.createPolicy('x', {createHTML: words => words})",
    ):
        code = f"() => {{ try {{ {sink}; return 'done' }} catch (error) {{ return error.name }} }}"
        assert page.evaluate(code) == "TypeError", sink


def test_pages_may_ask_a_browser_for_passkeys_and_nothing_else(
    new_context: NewContext, web_server: Web, session_cookie: str
) -> None:
    said: list[str] = []
    page = open_page(new_context, web_server, None, said)
    page.goto(f"http://localhost:{web_server.port}/{uuid4()}/")

    allowed = set(page.evaluate("document.featurePolicy.allowedFeatures()"))

    hints = {name for name in allowed if name.startswith("ch-")}
    # Django’s admin needs `unload`.
    assert allowed - hints - {"interest-cohort", "unload"} == {
        "publickey-credentials-create",
        "publickey-credentials-get",
    }
