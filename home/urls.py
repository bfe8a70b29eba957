from django.urls import path

from home import today_views, you_views

app_name = "home"
urlpatterns = [
    path("", today_views.start, name="start"),
    path("today/", today_views.today, name="today"),
    path("steps/", today_views.steps, name="steps"),
    path("progress/", today_views.progress, name="progress"),
    path("you/", you_views.you, name="you"),
    path("you/privacy/", you_views.privacy, name="privacy"),
    path("you/privacy/erase/", you_views.erase, name="erase"),
    path("goodbye/", you_views.goodbye, name="goodbye"),
]
