"""Account pages: our own, and those that replace allauth's under the same URL name."""

from allauth.mfa.webauthn.views import login_webauthn
from django.urls import include, path

from accounts import (
    mailed_code_views,
    returned_form_views,
    sign_in_settings_views,
    sign_up_views,
)
from accounts.mfa import reauthentication
from accounts.mfa import views as mfa
from accounts.safety_notice_view import safety_notice

# allauth reverses these names. Its own URLs show primary keys, and most of its pages are not used.
mfa_patterns = [
    path("", mfa.index, name="mfa_index"),
    path("authenticate/", mfa.authenticate, name="mfa_authenticate"),
    path("reauthenticate/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("app/", mfa.add_app, name="mfa_activate_totp"),
    path("app/remove/", mfa.remove_app, name="mfa_deactivate_totp"),
    path("codes/", mfa.recovery_codes, name="mfa_view_recovery_codes"),
    path("codes/new/", mfa.replace_recovery_codes, name="mfa_generate_recovery_codes"),
    path("passkeys/add/", mfa.add_passkey, name="mfa_add_webauthn"),
    path("passkeys/login/", login_webauthn, name="mfa_login_webauthn"),
    path("passkeys/login/options/", mfa.sign_in_options, name="mfa_passkey_options"),
    path(
        "passkeys/reauthenticate/",
        mfa.reauthenticate_by_passkey,
        name="mfa_reauthenticate_webauthn",
    ),
    path("passkeys/<str:id>/remove/", mfa.remove_passkey, name="mfa_remove_webauthn"),
]

urlpatterns = [
    path("", sign_in_settings_views.index, name="account_index"),
    path("reauthenticate/", reauthentication.reauthenticate, name="account_reauthenticate"),
    path("logout/", sign_in_settings_views.sign_out, name="account_logout"),
    path("signup/", sign_up_views.sign_up, name="account_signup"),
    path("first/", safety_notice, name="account_first"),
    path("returned/", returned_form_views.returned, name="account_returned"),
    path("returned/hold/", returned_form_views.hold_returned, name="account_hold_returned"),
    path("lock/", sign_in_settings_views.lock, name="account_lock"),
    path("devices/", sign_in_settings_views.devices, name="account_devices"),
    path("devices/end/", sign_in_settings_views.end_device, name="account_end_device"),
    path(
        "devices/end-others/", sign_in_settings_views.end_other_devices, name="account_end_others"
    ),
    path("activity/", sign_in_settings_views.activity, name="account_activity"),
    path("2fa/", include(mfa_patterns)),
    path("email/", sign_in_settings_views.email, name="account_email"),
    path("confirm-email/", mailed_code_views.confirm_email, name="account_email_verification_sent"),
    path(
        "password/change/", sign_in_settings_views.change_password, name="account_change_password"
    ),
    path(
        "password/reset/confirm/",
        mailed_code_views.confirm_reset,
        name="account_confirm_password_reset_code",
    ),
    path(
        "password/reset/complete/",
        mailed_code_views.complete_reset,
        name="account_complete_password_reset",
    ),
]
