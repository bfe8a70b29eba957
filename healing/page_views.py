from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from healing import markdown
from healing.guide import guide
from healing.public_page import public_page


@public_page
def where(request: HttpRequest) -> HttpResponse:
    """Where does it hurt most? All of it comes with the page: a tap sends nothing."""
    return render(request, "healing/where.html", {"page": guide().pages["where"]})


@public_page
def page(request: HttpRequest, slug: str) -> HttpResponse:
    page = guide().pages[slug]
    context = {"page": page, "words": page.html, "added": ""}
    if slug == "privacy" and settings.PRIVACY_TEXT:
        context["added"] = markdown.render(settings.PRIVACY_TEXT, anchor_prefix="theirs").html
    elif slug == "terms" and settings.TERMS_TEXT:
        context["words"] = markdown.render(settings.TERMS_TEXT).html
    return render(request, "healing/page.html", context)
