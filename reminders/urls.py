from django.urls import path

from reminders import views

app_name = "reminders"
urlpatterns = [
    path("you/reminders/", views.choose, name="choose"),
    path("you/reminders/off/", views.off, name="off"),
    path("you/reminders/pause/", views.pause, name="pause"),
    path("r/<str:token>/", views.stop, name="stop"),
]
