from django.urls import path, register_converter

from healing import views
from healing.converters import StepConverter

register_converter(StepConverter, "step")

app_name = "healing"
urlpatterns = [
    path("learn/", views.learn, name="learn"),
    path("learn/<slug:slug>/", views.reading, name="reading"),
    path("steps/<step:step>/", views.step, name="step"),
    path("steps/<step:step>/mark/", views.mark, name="mark"),
    path("steps/<step:step>/<slug:key>/", views.exercise, name="exercise"),
    path("steps/<step:step>/<slug:key>/<uuid:id>/", views.answer, name="answer"),
    path(
        "steps/<step:step>/<slug:key>/<uuid:id>/delete/", views.answer_delete, name="answer_delete"
    ),
    path("about/", views.page, {"slug": "about"}, name="about"),
    path("privacy/", views.page, {"slug": "privacy"}, name="privacy"),
    path("terms/", views.page, {"slug": "terms"}, name="terms"),
    path("accessibility/", views.page, {"slug": "accessibility"}, name="accessibility"),
]
