from django.contrib import admin
from django.urls import include, path

from home import health

urlpatterns = [
    path("", include("home.urls")),
    path("", include("healing.urls")),
    path("", include("safety.urls")),
    path("", include("reminders.urls")),
    path("", include("mail.urls")),
    path("journal/", include("journal.urls")),
    path("accounts/", include("accounts.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]

# It needs neither a person nor a database.
handler500 = "safety.views.server_error"
