from django.urls import path

from pause import boat_views

app_name = "pause"
urlpatterns = [
    path("boat/", boat_views.boat, name="boat"),
]
