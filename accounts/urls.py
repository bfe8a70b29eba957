"""Stands before allauth's own addresses: these four are answered by us."""

from django.urls import path

from accounts import views

urlpatterns = [
    path("email/", views.email, name="account_email"),
    path("confirm-email/", views.confirm_email, name="account_email_verification_sent"),
    path(
        "password/reset/confirm/",
        views.confirm_reset,
        name="account_confirm_password_reset_code",
    ),
    path(
        "password/reset/complete/",
        views.complete_reset,
        name="account_complete_password_reset",
    ),
]
