from django.contrib import admin
from django.urls import include, path

from accounts.invitation_views import join
from accounts.sign_in_settings_views import change_password_address
from operations import health

# Django tries them in order; a prefix that does not match skips a whole include.
urlpatterns = [
    path("journal/", include("journal.urls")),
    path("", include("home.urls")),
    path("", include("healing.urls")),
    path("", include("safety.urls")),
    path("", include("reminders.urls")),
    path("", include("pause.urls")),
    path("", include("mail.dev_inbox.urls")),
    path(".well-known/change-password", change_password_address, name="account_well_known"),
    path("join/<str:token>/", join, name="account_join"),
    path("accounts/", include("accounts.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]

handler404 = "accounts.error_views.not_found"
# It works without a user and without the database.
handler500 = "accounts.error_views.server_error"
