"""What others read of identity: see `parley.kernel.values.declarations`."""

from parley.kernel.values.declarations import AuditAction, DirectoryKind, EventName, Scope


class IdentityAction:
    ORGANIZATION_CREATED = AuditAction("organization.created")
    ORGANIZATION_UPDATED = AuditAction("organization.updated")
    ORGANIZATION_DELETED = AuditAction("organization.deleted")
    ORGANIZATION_RESTORED = AuditAction("organization.restored")
    ORGANIZATION_TRANSFERRED = AuditAction("organization.transferred")
    ORGANIZATION_PLAN_CHANGED = AuditAction("organization.plan_changed")
    USER_REGISTERED = AuditAction("user.registered")
    USER_UPDATED = AuditAction("user.updated")
    USER_DELETED = AuditAction("user.deleted")
    USER_LOGIN_SUCCEEDED = AuditAction("user.login_succeeded")
    USER_LOGIN_FAILED = AuditAction("user.login_failed")
    USER_LOGGED_OUT = AuditAction("user.logged_out")
    TOKEN_ISSUED = AuditAction("token.issued")
    PROVIDER_LINKED = AuditAction("provider.linked")
    PROVIDER_UNLINKED = AuditAction("provider.unlinked")
    MEMBER_CREATED = AuditAction("member.created")
    MEMBER_JOINED = AuditAction("member.joined")
    MEMBER_LEFT = AuditAction("member.left")
    MEMBER_DELETED = AuditAction("member.deleted")
    MEMBER_PROMOTED = AuditAction("member.promoted")
    MEMBER_DEMOTED = AuditAction("member.demoted")
    MEMBER_DEACTIVATED = AuditAction("member.deactivated")
    MEMBER_REACTIVATED = AuditAction("member.reactivated")
    MEMBER_SESSIONS_ENDED = AuditAction("member.sessions_ended")
    TEAM_CREATED = AuditAction("team.created")
    TEAM_UPDATED = AuditAction("team.updated")
    TEAM_DELETED = AuditAction("team.deleted")
    TEAM_MEMBER_ADDED = AuditAction("team.member_added")
    TEAM_MEMBER_CHANGED = AuditAction("team.member_changed")
    TEAM_MEMBER_REMOVED = AuditAction("team.member_removed")
    INVITATION_CREATED = AuditAction("invitation.created")
    INVITATION_ACCEPTED = AuditAction("invitation.accepted")
    INVITATION_DECLINED = AuditAction("invitation.declined")
    INVITATION_RESENT = AuditAction("invitation.resent")
    INVITATION_REVOKED = AuditAction("invitation.revoked")
    API_KEY_CREATED = AuditAction("api_key.created")
    API_KEY_UPDATED = AuditAction("api_key.updated")
    API_KEY_REGENERATED = AuditAction("api_key.regenerated")
    API_KEY_REVOKED = AuditAction("api_key.revoked")


class IdentityEvent:
    ORGANIZATION_CREATED = EventName("identity.organization_created")
    ORGANIZATION_UPDATED = EventName("identity.organization_updated")
    ORGANIZATION_DELETED = EventName("identity.organization_deleted")
    ORGANIZATION_RESTORED = EventName("identity.organization_restored")
    ORGANIZATION_TRANSFERRED = EventName("identity.organization_transferred")
    PLAN_CHANGED = EventName("identity.plan_changed")
    # Told to each organization that the person belonged to. `address_key` is the directory's name of their address: its hash.
    USER_DELETED = EventName("identity.user_deleted")
    ACCOUNT_DELETED = EventName("identity.account_deleted")
    LINK_CREATED = EventName("identity.link_created")
    SECURITY_ALERT_RAISED = EventName("identity.security_alert_raised")
    MEMBER_JOINED = EventName("identity.member_joined")
    MEMBER_LEFT = EventName("identity.member_left")
    MEMBER_ROLE_CHANGED = EventName("identity.member_role_changed")
    MEMBER_ACTIVITY_CHANGED = EventName("identity.member_activity_changed")
    MEMBER_SESSIONS_ENDED = EventName("identity.member_sessions_ended")
    TEAM_CREATED = EventName("identity.team_created")
    TEAM_UPDATED = EventName("identity.team_updated")
    TEAM_DELETED = EventName("identity.team_deleted")
    TEAM_MEMBER_ADDED = EventName("identity.team_member_added")
    TEAM_MEMBER_CHANGED = EventName("identity.team_member_changed")
    TEAM_MEMBER_REMOVED = EventName("identity.team_member_removed")
    INVITATION_CREATED = EventName("identity.invitation_created")
    INVITATION_RESENT = EventName("identity.invitation_resent")
    INVITATION_REVOKED = EventName("identity.invitation_revoked")
    INVITATION_DECLINED = EventName("identity.invitation_declined")
    # Something waits for the owner's agreement; DNS proves a domain no more. Identity writes the mails, so they bear its name.
    SAML_CONNECTION_PROPOSED = EventName("identity.saml_connection_proposed")
    SAML_DOMAIN_LOST = EventName("identity.saml_domain_lost")
    SCIM_TOKEN_PROPOSED = EventName("identity.scim_token_proposed")


class IdentityDirectory:
    EMAIL = DirectoryKind("email")
    PROVIDER_ACCOUNT = DirectoryKind("provider_account")
    PAYMENT_SUBSCRIPTION = DirectoryKind("payment_subscription")
    ORGANIZATION_SLUG = DirectoryKind("organization_slug")  # written by a trigger of the table
    SAML_DOMAIN = DirectoryKind("saml_domain")


SCOPES = (
    Scope("organization:read", "See the organization's profile and limits.", "VIEWER"),
    Scope("organization:write", "Change the organization's profile.", "ADMIN"),
    Scope("organization:delete", "Delete and restore the organization.", "OWNER"),
    Scope("organization:transfer", "Make another member the owner.", "OWNER"),
    Scope("billing:manage", "Choose the plan.", "OWNER"),
    Scope("members:read", "See who belongs to the organization.", "VIEWER"),
    Scope("members:write", "Change roles, remove members, end their sessions.", "ADMIN"),
    Scope("teams:read", "See teams and who is in them.", "VIEWER"),
    Scope("teams:write", "Create, change and delete teams, and choose who is in them.", "ADMIN"),
    Scope("invitations:read", "See invitations.", "ADMIN"),
    Scope("invitations:write", "Invite, and take invitations back.", "ADMIN"),
    Scope("api_keys:manage", "Create, regenerate and revoke API keys.", "ADMIN", key_group="ADMIN"),
    Scope("audit_logs:read", "Read the audit trail.", "ADMIN", key_group="READ_ONLY"),
    Scope("usage:read", "See what was used.", "ADMIN", key_group="READ_ONLY"),
    Scope("rate_limits:manage", "Change limits of projects and keys.", "ADMIN", key_group="ADMIN"),
)
