from django.urls import path

from journal import views

app_name = "journal"
urlpatterns = [
    path("", views.shelf, name="shelf"),
    path("write/", views.write, name="write"),
    path("<uuid:id>/", views.letter, name="letter"),
    path("<uuid:id>/edit/", views.edit, name="edit"),
    path("<uuid:id>/delete/", views.delete, name="delete"),
]
