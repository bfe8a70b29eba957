from django.urls import path

from safety import question_views, views

app_name = "safety"
urlpatterns = [
    path("leave/", views.leave, name="leave"),
    path("help/", views.help_page, name="help"),
    path("help/<slug:country>/", views.lines, name="lines"),
    path("safety/", views.safety, name="safety"),
    path("before/", question_views.before, name="before"),
    path("before/leave-out/", question_views.leave_out, name="leave_out"),
    path("before/bring-back/", question_views.bring_back, name="bring_back"),
    path(".well-known/security.txt", views.security_txt, name="security_txt"),
]
