from django.urls import path

from home import carry_over_views, today_views, you_views

app_name = "home"
urlpatterns = [
    path("", today_views.start, name="start"),
    path("today/", today_views.today, name="today"),
    path("steps/", today_views.steps, name="steps"),
    path("progress/", today_views.progress, name="progress"),
    path("you/", you_views.you, name="you"),
    path("you/guide/", you_views.guide_settings, name="guide_settings"),
    path("you/privacy/", you_views.privacy, name="privacy"),
    path("you/privacy/erase/", you_views.erase, name="erase"),
    path("carry-over/", carry_over_views.carry_over, name="carry_over"),
    path("carry-over/take/", carry_over_views.take, name="carry_over_take"),
    path("carry-over/delete/", carry_over_views.delete, name="carry_over_delete"),
    path("goodbye/", you_views.goodbye, name="goodbye"),
]
