from functools import partial
from typing import Any

from allauth.account import admin as allauth_admin
from allauth.mfa import admin as mfa_admin
from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.erasure import erase
from accounts.invitations import invite, link_to
from accounts.models import Invitation, User

# An operator who could add an address of their own to an account, or delete its second factor,
# could reset its password and sign in to it: remove the pages that allauth registers.
admin.site.unregister(allauth_admin.EmailAddress)
admin.site.unregister(mfa_admin.Authenticator)


@admin.register(Invitation)
class InvitationAdmin(admin.ModelAdmin[Invitation]):
    """Operators create invitations here and copy their links. Deleting one disables its link."""

    list_display = ("made_at", "ends_at", "used_at")
    ordering = ("-made_at", "pk")
    fields = readonly_fields = ("made_at", "ends_at", "used_at", "link")

    @admin.display(description=_("link, to be copied"))
    def link(self, invitation: Invitation) -> str:
        is_usable = Invitation.objects.usable(timezone.now()).filter(pk=invitation.pk).exists()
        return link_to(invitation) if is_usable else gettext("It is over.")

    def get_fields(self, request: HttpRequest, obj: Invitation | None = None) -> Any:
        # A new invitation has no field to fill in.
        return self.fields if obj else ()

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        if not change:
            [created] = invite(now=timezone.now())
            obj.pk = created.pk

    def response_add(
        self, request: HttpRequest, obj: Invitation, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the page from which its link can be copied."""
        return redirect("admin:accounts_invitation_change", obj.pk)


@admin.register(User)
class UserAdmin(admin.ModelAdmin[User]):
    """Who has an account, and whether it is active. Nothing of what they wrote."""

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

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Allow the list's own filters only: `?password__startswith=` would reveal a hash character
        by character."""
        return lookup.partition("__")[0] in self.list_filter

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Accounts are created at sign-up, where consent is asked for."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Operators erase their own account on the page everybody uses for it."""
        return obj != request.user and super().has_delete_permission(request, obj)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """List the accounts only: Django would list every letter too, and reveal how many there
        are."""
        return [person.email for person in objs], {"users": len(objs)}, set(), []

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        _erase_after_commit(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for person in queryset:
            if person != request.user:
                _erase_after_commit(person)


def _erase_after_commit(person: User) -> None:
    """The admin deletes in a transaction, where erasing could not retry a deadlock."""
    transaction.on_commit(partial(erase, person=person, now=timezone.now()))
