from typing import Any

from allauth.account import admin as allauth_admin
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.actions import erase
from accounts.models import User

# Whoever can put an address of their own beside someone's account can reset its password, and
# read. allauth offers that page, so it is taken out again.
admin.site.unregister(allauth_admin.EmailAddress)


@admin.register(User)
class UserAdmin(admin.ModelAdmin[User]):
    """Who has an account, and whether it is open. Nothing of what they keep here."""

    list_display = ("email", "joined_at", "last_visit_at", "is_active", "is_staff")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email",)
    ordering = ("-joined_at", "pk")
    fields = (
        "email",
        "joined_at",
        "last_visit_at",
        "last_login",
        "consented_at",
        "is_active",
        "is_staff",
    )
    readonly_fields = ("email", "joined_at", "last_visit_at", "last_login", "consented_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Accounts begin at sign-up, where consent is asked for."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Their own account an operator erases like anyone else, on the pages for it."""
        return obj != request.user and super().has_delete_permission(request, obj)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Who goes. Django would also list every letter, and so tell how many there are."""
        return [person.email for person in objs], {"users": len(objs)}, set(), []

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        erase(person=obj, now=timezone.now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for person in queryset:
            if person != request.user:
                erase(person=person, now=timezone.now())
