from django.urls import path, register_converter

from healing import (
    exercise_views,
    gathering_views,
    grid_reply_views,
    learn_views,
    page_views,
    question_page_views,
    step_views,
    visitor_views,
)
from healing.converters import StepConverter

register_converter(StepConverter, "step")

app_name = "healing"
urlpatterns = [
    path("learn/", learn_views.learn, name="learn"),
    path("learn/<slug:slug>/", learn_views.reading, name="reading"),
    path("steps/<step:step>/", step_views.step, name="step"),
    path("steps/<step:step>/mark/", step_views.mark, name="mark"),
    path("steps/<step:step>/<slug:key>/", exercise_views.exercise, name="exercise"),
    path(
        "steps/<step:step>/<slug:key>/<int:number>/", question_page_views.question, name="question"
    ),
    path("steps/<step:step>/<slug:key>/check/", question_page_views.check, name="check"),
    path("steps/<step:step>/<slug:key>/discard/", question_page_views.discard, name="discard"),
    path("steps/<step:step>/<slug:key>/reply/", grid_reply_views.reply, name="reply"),
    path("steps/<step:step>/<slug:key>/<uuid:id>/", exercise_views.answer, name="answer"),
    path(
        "steps/<step:step>/<slug:key>/<uuid:id>/<int:number>/",
        question_page_views.question,
        name="question",
    ),
    path("steps/<step:step>/<slug:key>/<uuid:id>/check/", question_page_views.check, name="check"),
    path(
        "steps/<step:step>/<slug:key>/<uuid:id>/discard/",
        question_page_views.discard,
        name="discard",
    ),
    path(
        "steps/<step:step>/<slug:key>/<uuid:id>/delete/",
        exercise_views.answer_delete,
        name="answer_delete",
    ),
    path(
        "steps/<step:step>/<slug:key>/<uuid:id>/follow-up/",
        exercise_views.follow_up,
        name="follow_up",
    ),
    path("steps/<step:step>/<slug:key>/<uuid:id>/drop/", visitor_views.drop, name="drop"),
    path(
        "steps/<step:step>/<slug:key>/<uuid:id>/account/",
        visitor_views.make_account,
        name="make_account",
    ),
    path("saved/", gathering_views.saved, name="saved"),
    path("saved/then-and-now/", gathering_views.then_and_now, name="then_and_now"),
    path("saved/<slug:key>/", gathering_views.gathering, name="gathering"),
    path("where/", page_views.where, name="where"),
    path("about/", page_views.page, {"slug": "about"}, name="about"),
    path("privacy/", page_views.page, {"slug": "privacy"}, name="privacy"),
    path("terms/", page_views.page, {"slug": "terms"}, name="terms"),
    path("accessibility/", page_views.page, {"slug": "accessibility"}, name="accessibility"),
]
