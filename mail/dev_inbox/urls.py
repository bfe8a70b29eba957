from django.urls import path

from mail.dev_inbox import views

app_name = "dev_inbox"
urlpatterns = [
    path("dev/inbox/", views.inbox, name="inbox"),
    path("dev/inbox/<str:name>/", views.caught, name="caught"),
    path("dev/inbox/<str:name>/html/", views.caught_html, name="caught_html"),
]
