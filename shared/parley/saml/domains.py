"""Mail domains that an organization's identity provider speaks for. A domain belongs to one organization, the first that claims it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.identity.models import ApiKey, User
from parley.kernel import directory
from parley.kernel.callers import ActorType, Caller
from parley.kernel.errors import Conflict, Forbidden, Unprocessable
from parley.kernel.verdicts import violation_means
from parley.saml.public_domains import PUBLIC


class DomainTaken(Conflict):
    """Another organization speaks for the domain."""


class DomainNotYours(Forbidden):
    """Who claims a domain must have a verified address in it."""


class PublicMailDomain(Unprocessable):
    """Anybody can have an address there."""


def of_address(email: str) -> str:
    """The domain of an address, in lower case."""
    return email.strip().rpartition("@")[2].lower()


def refuse_public(wanted: list[str]) -> None:
    """Raises `PublicMailDomain`."""
    if public := [domain for domain in wanted if domain in PUBLIC]:
        raise PublicMailDomain(f"Anybody can have an address at {public[0]}; bind a domain of your own.", domain=public[0])


def bind(session: Session, caller: Caller, before: list[str], wanted: list[str]) -> None:
    """Claim the domains that are new, give back those that are gone. Raises `PublicMailDomain`, `DomainNotYours`, `DomainTaken`."""
    new = sorted(set(wanted) - set(before))
    refuse_public(new)
    if new:
        owned = _own_domain(session, caller)
        if foreign := [domain for domain in new if domain != owned]:
            raise DomainNotYours(
                f"To claim {foreign[0]} you need a verified address in it; let a colleague who has one set this up.", domain=foreign[0]
            )
    for domain in set(before) - set(wanted):
        directory.leave(session, directory.Kind.SAML_DOMAIN, domain)
    for domain in new:
        directory.enter(session, directory.Kind.SAML_DOMAIN, domain)
    with violation_means(directory.UNIQUE, DomainTaken("Another organization speaks for one of these domains; ask for support.")):
        session.flush()


def _own_domain(session: Session, caller: Caller) -> str | None:
    """That of the caller's verified address; of an API key, its maker's."""
    maker = select(ApiKey.user_id).where(ApiKey.id == caller.actor_id).scalar_subquery()
    is_claimant = User.id == (caller.actor_id if caller.actor_type is ActorType.USER else maker)
    email = session.scalar(select(User.email).where(is_claimant, User.email_verified_at.is_not(None)))
    return of_address(email) if email else None
