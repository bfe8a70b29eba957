from typing import Any

from allauth.account import admin as allauth_admin
from allauth.mfa import admin as mfa_admin
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.actions import erase, invite
from accounts.invitations import link_to
from accounts.models import Invitation, User

# Whoever can put an address of their own beside someone's account can reset its password, and
# read. allauth offers that page, so it is taken out again.
admin.site.unregister(allauth_admin.EmailAddress)
# Nor is anyone’s second factor anybody else’s business.
admin.site.unregister(mfa_admin.Authenticator)


@admin.register(Invitation)
class InvitationAdmin(admin.ModelAdmin[Invitation]):
    """Made here, to be given to somebody. Deleted, one that is out opens nothing any more."""

    list_display = ("made_at", "ends_at", "used_at")
    ordering = ("-made_at", "pk")
    fields = readonly_fields = ("made_at", "ends_at", "used_at", "link")

    @admin.display(description=_("link, to be copied"))
    def link(self, invitation: Invitation) -> str:
        is_open = Invitation.objects.open(timezone.now()).filter(pk=invitation.pk).exists()
        return link_to(invitation) if is_open else gettext("It is over.")

    def get_fields(self, request: HttpRequest, obj: Invitation | None = None) -> Any:
        # Nothing to fill in: it names nobody.
        return self.fields if obj else ()

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        """Nothing about one can be changed."""
        if not change:
            [made] = invite(now=timezone.now())
            obj.pk = made.pk

    def response_add(
        self, request: HttpRequest, obj: Invitation, post_url_continue: str | None = None
    ) -> HttpResponse:
        """On to where its link can be copied."""
        return redirect("admin:accounts_invitation_change", obj.pk)


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

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """What may be asked for in an address: what the list shows. Else a hash could be guessed
        sign by sign."""
        return lookup.partition("__")[0] in self.list_filter

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
