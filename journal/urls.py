from django.urls import path

from journal import desk_views, letter_views, revision_views, shelf_views
from journal.letter_kinds import EVENINGS_KEY

app_name = "journal"
urlpatterns = [
    path("", shelf_views.shelf, name="shelf"),
    path("search/", shelf_views.search, name="search"),
    path("search/<uuid:name>/", shelf_views.search_results, name="search_results"),
    path("names/", shelf_views.names, name="names"),
    path("cover/", shelf_views.cover, name="cover"),
    path("token/", desk_views.token, name="token"),
    path("write/", desk_views.choose_kind, name="write"),
    path(f"write/{EVENINGS_KEY}/", desk_views.evenings, name="evenings"),
    path("write/<slug:kind>/", desk_views.new_letter, name="paper"),
    path("write/<slug:kind>/lines/", desk_views.openings, name="openings"),
    path("lines/<uuid:id>/remove/", desk_views.remove_opening, name="remove_opening"),
    path("<uuid:id>/", letter_views.letter, name="letter"),
    path("<uuid:id>/edit/", desk_views.edit, name="edit"),
    path("<uuid:id>/autosave/", desk_views.autosave, name="autosave"),
    path("<uuid:id>/versions/", revision_views.versions, name="versions"),
    path("<uuid:id>/versions/<uuid:revision>/", revision_views.version, name="version"),
    path("<uuid:id>/close/", letter_views.close, name="close"),
    path("<uuid:id>/seal/", letter_views.seal, name="seal"),
    path("<uuid:id>/open/", letter_views.unseal, name="unseal"),
    path("<uuid:id>/let-go/", letter_views.let_go, name="let_go"),
    path("<uuid:id>/bring-back/", letter_views.bring_back, name="bring_back"),
    path("<uuid:id>/write-on/", letter_views.write_on, name="write_on"),
    path("<uuid:id>/throw-away/", letter_views.throw_away, name="throw_away"),
    path("<uuid:id>/remove-line/", letter_views.remove_line, name="remove_line"),
    path("<uuid:id>/settle/", letter_views.settle, name="settle"),
]
