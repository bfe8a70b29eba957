from django.urls import path

from bench.floor import views

urlpatterns = [
    path("bare/", views.bare),
    path("page/", views.page),
    path("save/", views.save),
]
