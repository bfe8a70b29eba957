"""Our own pages about coming in, and those that we answer in allauth’s place, before its own."""

from allauth.mfa.webauthn.views import login_webauthn
from django.urls import include, path

from accounts import first_visit, views
from accounts.mfa import reauthentication
from accounts.mfa import views as second_factor

# allauth knows these by their names. Neither its numbers of rows nor its other pages are here.
second_factor_patterns = [
    path("", second_factor.index, name="mfa_index"),
    path("authenticate/", second_factor.authenticate, name="mfa_authenticate"),
    path("reauthenticate/", second_factor.reauthenticate, name="mfa_reauthenticate"),
    path("app/", second_factor.add_app, name="mfa_activate_totp"),
    path("app/remove/", second_factor.remove_app, name="mfa_deactivate_totp"),
    path("codes/", second_factor.codes, name="mfa_view_recovery_codes"),
    path("codes/new/", second_factor.new_codes, name="mfa_generate_recovery_codes"),
    path("passkeys/add/", second_factor.add_passkey, name="mfa_add_webauthn"),
    path("passkeys/login/", login_webauthn, name="mfa_login_webauthn"),
    path("passkeys/login/options/", second_factor.passkey_options, name="mfa_passkey_options"),
    path(
        "passkeys/reauthenticate/",
        second_factor.reauthenticate_by_passkey,
        name="mfa_reauthenticate_webauthn",
    ),
    path("passkeys/<str:id>/remove/", second_factor.remove_passkey, name="mfa_remove_webauthn"),
]

urlpatterns = [
    path("", views.index, name="account_index"),
    path("reauthenticate/", reauthentication.reauthenticate, name="account_reauthenticate"),
    path("logout/", views.sign_out, name="account_logout"),
    path("first/", first_visit.first, name="account_first"),
    path("lock/", views.lock, name="account_lock"),
    path("devices/", views.devices, name="account_devices"),
    path("devices/end/", views.end_device, name="account_end_device"),
    path("devices/end-others/", views.end_other_devices, name="account_end_others"),
    path("activity/", views.activity, name="account_activity"),
    path("2fa/", include(second_factor_patterns)),
    path("email/", views.email, name="account_email"),
    path("confirm-email/", views.confirm_email, name="account_email_verification_sent"),
    path("password/change/", views.change_password, name="account_change_password"),
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
