from django.urls import path

from safety import views

app_name = "safety"
urlpatterns = [
    path("leave/", views.leave, name="leave"),
    path("help/", views.help_page, name="help"),
    path("help/<slug:country>/", views.lines, name="lines"),
    path("safety/", views.safety, name="safety"),
    path(".well-known/security.txt", views.security_txt, name="security_txt"),
]
