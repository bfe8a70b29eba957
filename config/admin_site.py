from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.utils.decorators import method_decorator


class AdminSite(admin.AdminSite):
    """Django's own admin, entered by the same door as everything else.

    So its tries are counted, and whatever that door asks for is asked here too. Nothing that people
    write is registered in it.
    """

    site_header = site_title = "Operator"
    login = method_decorator([login_not_required, secure_admin_login])(admin.AdminSite.login)
