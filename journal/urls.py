from django.urls import path

from journal import desk_views as desk
from journal import views

app_name = "journal"
urlpatterns = [
    path("", views.shelf, name="shelf"),
    path("search/", views.search, name="search"),
    path("cover/", views.cover, name="cover"),
    path("token/", desk.token, name="token"),
    path("write/", desk.write, name="write"),
    path("write/<slug:kind>/", desk.paper, name="paper"),
    path("write/<slug:kind>/lines/", desk.openings, name="openings"),
    path("lines/<uuid:id>/remove/", desk.remove_opening, name="remove_opening"),
    path("<uuid:id>/", views.letter, name="letter"),
    path("<uuid:id>/edit/", desk.edit, name="edit"),
    path("<uuid:id>/autosave/", desk.autosave, name="autosave"),
    path("<uuid:id>/versions/", desk.versions, name="versions"),
    path("<uuid:id>/versions/<uuid:revision>/", desk.version, name="version"),
    path("<uuid:id>/close/", views.close, name="close"),
    path("<uuid:id>/seal/", views.seal, name="seal"),
    path("<uuid:id>/open/", views.unseal, name="unseal"),
    path("<uuid:id>/let-go/", views.let_go, name="let_go"),
    path("<uuid:id>/bring-back/", views.bring_back, name="bring_back"),
    path("<uuid:id>/write-on/", views.write_on, name="write_on"),
    path("<uuid:id>/throw-away/", views.throw_away, name="throw_away"),
    path("<uuid:id>/settle/", views.settle, name="settle"),
]
