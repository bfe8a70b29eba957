from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from healing.guide import guide
from healing.public_page import public_page


@public_page
def learn(request: HttpRequest) -> HttpResponse:
    return render(request, "healing/learn.html", {"readings": guide().readings.values()})


@public_page
def reading(request: HttpRequest, slug: str) -> HttpResponse:
    readings = guide().readings
    if slug not in readings:
        raise Http404
    slugs = list(readings)
    following = readings.get(next(iter(slugs[slugs.index(slug) + 1 :]), ""))
    return render(
        request, "healing/reading.html", {"reading": readings[slug], "following": following}
    )
