"""Roles as mails and pages say them."""

from parley.identity.models import MemberRole
from parley.notifications.localization.catalogues import marked as _

ROLES = {MemberRole.OWNER: _("OWNER"), MemberRole.ADMIN: _("ADMIN"), MemberRole.MEMBER: _("MEMBER"), MemberRole.VIEWER: _("VIEWER")}
"""As the API says them; other languages have words of their own."""
