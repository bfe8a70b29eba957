from django.urls import path, register_converter

from healing import exercise_views, guide_views
from healing.converters import StepConverter

register_converter(StepConverter, "step")

app_name = "healing"
urlpatterns = [
    path("learn/", guide_views.learn, name="learn"),
    path("learn/<slug:slug>/", guide_views.reading, name="reading"),
    path("steps/<step:step>/", guide_views.step, name="step"),
    path("steps/<step:step>/mark/", guide_views.mark, name="mark"),
    path("steps/<step:step>/<slug:key>/", exercise_views.exercise, name="exercise"),
    path("steps/<step:step>/<slug:key>/<uuid:id>/", exercise_views.answer, name="answer"),
    path(
        "steps/<step:step>/<slug:key>/<uuid:id>/delete/",
        exercise_views.answer_delete,
        name="answer_delete",
    ),
    path("about/", guide_views.page, {"slug": "about"}, name="about"),
    path("privacy/", guide_views.page, {"slug": "privacy"}, name="privacy"),
    path("terms/", guide_views.page, {"slug": "terms"}, name="terms"),
    path("accessibility/", guide_views.page, {"slug": "accessibility"}, name="accessibility"),
]
