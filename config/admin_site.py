from django.contrib import admin


class AdminSite(admin.AdminSite):
    """Django's own admin. Nothing that people write is registered in it."""

    site_header = site_title = "Operator"
