"""What somebody does to their own account while logged in."""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from parley.identity import accounts, links, mailed, passwords, sessions, single_sign_on, throttles
from parley.identity.log_in import Account, account
from parley.identity.models import User, UserSession, VerificationKind
from parley.identity.sessions import Started, as_user
from parley.kernel import audit, db, mail_budgets
from parley.kernel.admission import SessionEnded, SessionOfOneOrganization
from parley.kernel.callers import Caller
from parley.kernel.clock import now
from parley.kernel.errors import Conflict, Forbidden, Refusal
from parley.kernel.mail_budgets import MailKind
from parley.kernel.verdicts import violation_means


class WrongPassword(Forbidden):
    """The current password is another one."""


class NoPassword(Conflict):
    """The account has no password: its user logs in otherwise."""


class UsernameTaken(Conflict):
    """Somebody else has this name."""


def known(session: Session) -> Account:
    found = account(session, session.info["user_id"])
    if found is None:
        raise SessionEnded("This session has ended; log in again.")
    return found


def session_of(caller: Caller) -> UUID | None:
    return caller.admission.session_id if caller.admission is not None else None


def prove(session: Session, caller: Caller, user: User, password: str) -> Refusal | None:
    """Check the current password, counted by itself. None, or the refusal to raise once the count has committed."""
    if user.password_hash is None:
        return NoPassword("This account has no password; ask for a link that sets one: POST /v1/auth/password-reset.")
    try:
        attempt = throttles.attempt_within(session, throttles.proof_of(user.id), caller.ip_address)
    except throttles.TooManyAttempts as refusal:
        return refusal
    if not passwords.matches(user.password_hash, password):
        return WrongPassword("The current password is another one.")
    throttles.succeeded(session, attempt)
    return None


def change_password(caller: Caller, current: str, new: str) -> None:
    """Other sessions end. Raises `WrongPassword`, `NoPassword`, `PasswordNotAccepted`, `TooManyAttempts`."""
    with db.personal(caller) as session:
        mine = known(session)
        passwords.accept(new, mine.user.email)
        refusal = prove(session, caller, mine.user, current)
        if refusal is None:
            kept = passwords.hashed(new)
            mailed.put_password(session, as_user(caller, mine.user.id, mine.witness_id), mine.user, kept, but=session_of(caller))
    if refusal is not None:
        raise refusal


def change_email(caller: Caller, email: str, password: str | None) -> None:
    """Have a link sent to the new address; it counts once that was opened.

    Raises `WrongPassword`, `TooManyAttempts`, `RateLimitExceeded`.
    """
    may_mail = mail_budgets.may_send(MailKind.EMAIL_CHANGE, email, caller)
    with db.personal(caller) as session:
        user = known(session).user
        refusal = prove(session, caller, user, password or "") if user.password_hash is not None else None
        if refusal is None and may_mail:
            links.ask(session, VerificationKind.EMAIL, email, user_id=user.id)
    if refusal is not None:
        raise refusal


def switch(session: Session, caller: Caller, organization_id: UUID) -> Started:
    """Work for another organization in the same session. Raises `NotAMember`, `SingleSignOnRequired`, `SessionEnded`."""
    user_id: UUID = session.info["user_id"]
    place = sessions.chosen(session, user_id, methods=(), wanted=organization_id)  # one of single sign-on does not switch
    assert place is not None
    # The person first and then their sessions, as everywhere: so two of them never wait for each other.
    moved_to = update(User).where(accounts.living(user_id)).values(last_organization_id=place.id)
    user = session.scalars(moved_to.returning(User)).one_or_none()
    mine = update(UserSession).where(UserSession.id == session_of(caller), UserSession.user_id == user_id, UserSession.revoked_at.is_(None))
    moved = session.execute(mine.values(organization_id=place.id, last_used_at=now()).returning(UserSession.id)).scalar_one_or_none()
    if user is None or moved is None:
        raise SessionEnded("This session has ended, or the token has none; log in again.")
    audit.record(session, as_user(caller, user_id, place.id), "token.issued", user)
    return Started(moved, user_id, user.email, user.name, place, None)


def change_profile(session: Session, caller: Caller, changes: dict[str, object]) -> None:
    """In a session that sees the person's own rows. Raises `SessionOfOneOrganization`, `UsernameTaken`, `SessionEnded`."""
    assert caller.actor_id is not None
    # Not every such transaction asks `admit_person`: the caller's organization admitted this one.
    methods = session.scalar(select(UserSession.methods).where(UserSession.id == session_of(caller)))
    if single_sign_on.METHOD in (methods or ()):
        raise SessionOfOneOrganization
    user = session.scalar(select(User).where(User.id == caller.actor_id).with_for_update(key_share=True))
    if user is None:
        raise SessionEnded("This account was deleted.")
    for name, value in changes.items():
        setattr(user, name, value)
    with violation_means("uq_users_username", UsernameTaken("This username is taken; choose another.")):
        session.flush()
    audit.record(session, caller, "user.updated", user, changed=sorted(changes))
