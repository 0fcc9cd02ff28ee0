"""What somebody does to their own account while logged in."""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from parley.identity.accounts import email_links, passwords, user_accounts
from parley.identity.declared import IdentityAction
from parley.identity.log_in import reauthentication
from parley.identity.models import User, UserSession, VerificationKind
from parley.identity.self_service import password_reset
from parley.identity.sessions import log_in_sessions, single_sign_on
from parley.identity.sessions.log_in_sessions import LogInSession, as_user
from parley.kernel.access.admission import SessionEnded, SessionOfOneOrganization
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import transactions
from parley.kernel.postgres.integrity_errors import violation_means
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Conflict
from parley.notifications.limits import quotas
from parley.notifications.limits.quotas import MailKind


class UsernameTaken(Conflict):
    """Somebody else has this name."""


def change_password(caller: Caller, current: str, new: str) -> None:
    """Other sessions end. Raises `WrongPassword`, `NoPassword`, `PasswordNotAccepted`, `TooManyAttempts`."""
    with transactions.personal(caller) as session:
        account = user_accounts.current_account(session)
        passwords.accept(new, account.user.email)
        refusal = reauthentication.prove_password(session, caller, account, current)
        if refusal is None:
            kept = passwords.hashed(new)
            password_reset.set_password(
                session, as_user(caller, account.user.id, account.witness_id), account.user, kept, but=log_in_sessions.session_id_of(caller)
            )
    if refusal is not None:
        raise refusal


def change_email(caller: Caller, email: str, password: str | None, code: str | None) -> None:
    """Have a link sent to the new address; it counts once that was opened by who asked.

    Raises the refusals of `reauthentication.prove`, `RateLimitExceeded`.
    """
    may_mail = quotas.may_send(MailKind.EMAIL_CHANGE, email, caller)
    with transactions.personal(caller) as session:
        account = user_accounts.current_account(session)
        refusal = reauthentication.prove(session, caller, account, password, code)
        if refusal is None and may_mail:
            email_links.ask(session, VerificationKind.EMAIL, email, user_id=account.user.id)
    if refusal is not None:
        raise refusal


def switch_organization(session: Session, caller: Caller, organization_id: UUID) -> LogInSession:
    """Work for another organization in the same session. Raises `NotAMember`, `SingleSignOnRequired`, `SessionEnded`."""
    user_id: UUID = session.info["user_id"]
    organization = log_in_sessions.choose_organization(
        session, user_id, methods=(), wanted=organization_id
    )  # one of single sign-on does not switch
    assert organization is not None
    # The person first and then their sessions, as everywhere: so two of them never wait for each other.
    moved_to = update(User).where(user_accounts.is_undeleted(user_id)).values(last_organization_id=organization.id)
    user = session.scalars(moved_to.returning(User)).one_or_none()
    statement = update(UserSession).where(
        UserSession.id == log_in_sessions.session_id_of(caller), UserSession.user_id == user_id, UserSession.revoked_at.is_(None)
    )
    moved = session.execute(
        statement.values(organization_id=organization.id, last_used_at=now()).returning(UserSession.id)
    ).scalar_one_or_none()
    if user is None or moved is None:
        raise SessionEnded("This session has ended, or the token has none; log in again.")
    audit.record(session, as_user(caller, user_id, organization.id), IdentityAction.TOKEN_ISSUED, user)
    return LogInSession(moved, user_id, user.email, user.name, organization, None)


def change_profile(session: Session, caller: Caller, changes: dict[str, object]) -> None:
    """In a session that sees the person's own rows. Raises `SessionOfOneOrganization`, `UsernameTaken`, `SessionEnded`."""
    assert caller.actor_id is not None
    # Not every such transaction asks `admit_person`: the caller's organization admitted this one.
    methods = session.scalar(select(UserSession.methods).where(UserSession.id == log_in_sessions.session_id_of(caller)))
    if single_sign_on.METHOD in (methods or ()):
        raise SessionOfOneOrganization
    user = session.scalar(select(User).where(User.id == caller.actor_id).with_for_update(key_share=True))
    if user is None:
        raise SessionEnded("This account was deleted.")
    for name, value in changes.items():
        setattr(user, name, value)
    with violation_means("uq_users_username", UsernameTaken("This username is taken; choose another.")):
        session.flush()
    audit.record(session, caller, IdentityAction.USER_UPDATED, user, changed=sorted(changes))
