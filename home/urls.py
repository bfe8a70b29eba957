from django.urls import path

from home import carry_over_views, pause_views, pause_words_views, today_views, you_views

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
    path("pause/", pause_views.pause, name="pause"),
    path("pause/<uuid:id>/", pause_views.after, name="pause_after"),
    path("pause/<uuid:id>/more/", pause_views.more, name="pause_more"),
    path("pause/<uuid:id>/end/", pause_views.end, name="pause_end"),
    path("pause/<uuid:id>/words/", pause_words_views.words, name="pause_words"),
    path("pause/<uuid:id>/letter/", pause_words_views.letter, name="pause_letter"),
    path("pause/<uuid:id>/stay/", pause_words_views.stay, name="pause_stay"),
    path("pause/<uuid:id>/delete/", pause_words_views.delete, name="pause_delete"),
    path("goodbye/", you_views.goodbye, name="goodbye"),
]
