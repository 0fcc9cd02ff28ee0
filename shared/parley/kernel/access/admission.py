"""Whether a known caller may come in at this moment: asked as a request's transaction begins, in the same round trip.

An access token is verified offline and lives for minutes, and the gateway remembers what the authorizer said. So the database is asked
once more by the statement that begins the transaction: is the session still there, the key not revoked, the member's role the one that
the token says, and is the organization within its requests a minute? A revocation therefore works at once, whatever is cached where.

The count is committed by itself, before the transaction: requests of one organization do not wait for each other's work.
"""

import json
import time
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from parley.kernel.access.plans import PLANS, PlanLimit
from parley.kernel.values.errors import CredentialRefused, Forbidden, TooManyRequests

WINDOW_SECONDS = 60


class SessionEnded(CredentialRefused):
    """The session was logged out or revoked, or its user is no longer there."""


class TokenExpired(CredentialRefused):
    """The access token was good when the gateway asked last, and is not any more."""


class RightsChanged(CredentialRefused):
    """The role is another one than the token says, or than the key needs."""


class SessionOfOneOrganization(Forbidden):
    """The session reaches nothing but the organization whose identity provider opened it: not the account, not other organizations."""

    def __init__(self) -> None:
        super().__init__("Single sign-on of an organization opened this session: for what is yours alone, log in another way.")


class NotAMember(Forbidden):
    """The user does not belong to the organization, or not any more."""


class KeyRevoked(CredentialRefused):
    """The API key was revoked or has expired."""


class RateLimitExceeded(TooManyRequests):
    """More requests in this minute than plan or key allow."""


@dataclass(slots=True)
class Allowance:
    """What the limit has left, for the RateLimit header fields (draft-ietf-httpapi-ratelimit-headers)."""

    policy: str
    quota: int
    remaining: int
    resets_in: int

    def headers(self) -> dict[str, str]:
        return {
            "ratelimit-policy": f'"{self.policy}";q={self.quota};w={WINDOW_SECONDS}',
            "ratelimit": f'"{self.policy}";r={self.remaining};t={self.resets_in}',
        }


@dataclass(slots=True)
class Admission:
    """What the authorizer said of a request, to be checked once. `allowance` is known after that.

    `roles` are those for which the caller's scopes stand: for a key, the roles of its maker that cover what it may.
    """

    session_id: UUID | None = None
    roles: tuple[str, ...] = ()
    expires_at: int | None = None
    is_checked: bool = False
    allowance: Allowance | None = None
    has_just_exceeded: bool = False

    def in_time(self) -> None:
        """Raise `TokenExpired` when the token's time is over (`expires_at`, seconds since 1970): the gateway may remember it for longer."""
        if self.expires_at is not None and self.expires_at < time.time():
            raise TokenExpired("This token has expired; refresh it, and try again.")


@cache
def _limits() -> str:
    return json.dumps({name.value: {"minute": plan.requests_per_minute, "api": plan.has_api_access} for name, plan in PLANS.items()})


def _literal(uuid: UUID | None) -> str:
    return f"'{UUID(str(uuid))}'" if uuid is not None else "NULL"


def query_of_caller(actor_type: str, actor_id: UUID | None, role: str | None, admission: Admission) -> str:
    """The SELECT that asks, for a caller of an organization. Its parts are values of ours, checked: a client wrote none of them."""
    known_roles = " ".join(name for name in admission.roles or (role or "",) if name.isalpha())
    called = f"admit('{actor_type}', '{UUID(str(actor_id))}', {_literal(admission.session_id)}, '{known_roles}', '{_limits()}')"
    return f"SELECT * FROM {called}"  # noqa: S608


def query_of_person(user_id: UUID, admission: Admission) -> str:
    """The SELECT that asks for somebody who works for no organization in this transaction."""
    return f"SELECT * FROM admit_person('{UUID(str(user_id))}', {_literal(admission.session_id)})"  # noqa: S608


def apply_result(admission: Admission, answer: Any) -> None:
    """Take the database's answer.

    Raises `SessionEnded`, `SessionOfOneOrganization`, `RightsChanged`, `NotAMember`, `KeyRevoked`, `PlanLimit`, `RateLimitExceeded`.
    """
    admission.is_checked = True
    if answer.verdict == "session_ended":
        raise SessionEnded("This session has ended; log in again.")
    if answer.verdict == "of_one_organization":
        raise SessionOfOneOrganization
    if answer.verdict == "not_a_member":
        raise NotAMember("You are not a member of this organization any more; choose another one or log in again.")
    if answer.verdict == "rights_changed":
        changed = RightsChanged("Your rights have changed since this token was made; refresh it, and try again.")
        if admission.roles:  # a key can't be refreshed; the authorizer will find the new rights
            changed = RightsChanged("The rights of who made this key have changed; it works with the new ones within a minute.")
            changed.headers |= {"retry-after": str(WINDOW_SECONDS)}
        raise changed
    if answer.verdict == "key_revoked":
        raise KeyRevoked("This API key was revoked or has expired; make a new one.")
    if answer.verdict == "no_api_access":
        raise PlanLimit("The plan of this organization does not include the API; BUSINESS does.", limit="api_access")
    if answer.quota is None:
        return
    quota, used, resets_in = int(answer.quota), int(answer.used), max(int(answer.resets_in), 1)
    admission.allowance = Allowance(answer.policy, quota, max(quota - used, 0), resets_in)
    if used > quota:
        admission.has_just_exceeded = used == quota + 1  # each count is given out once: one request of a window audits its refusals
        instead = "choose a larger plan" if answer.policy == "plan" else "raise the key's limit"
        refusal = RateLimitExceeded(f"The limit is {quota} a minute; wait {resets_in} s, or {instead}.", limit=quota)
        refusal.headers = admission.allowance.headers() | {"retry-after": str(resets_in)}
        raise refusal
