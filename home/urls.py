from django.urls import path

from home import views

app_name = "home"
urlpatterns = [
    path("", views.start, name="start"),
    path("today/", views.today, name="today"),
    path("steps/", views.steps, name="steps"),
    path("progress/", views.progress, name="progress"),
    path("you/", views.you, name="you"),
    path("you/privacy/", views.privacy, name="privacy"),
    path("you/privacy/erase/", views.erase, name="erase"),
    path("goodbye/", views.goodbye, name="goodbye"),
]
