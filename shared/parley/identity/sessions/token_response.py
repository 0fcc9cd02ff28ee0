"""What somebody gets who has logged in: an access token, and a refresh token where it was not put into a cookie."""

import json
from typing import Annotated
from uuid import UUID

from pydantic import Field

from parley.identity.models import MemberRole
from parley.identity.sessions import access_tokens, token_signing_keys
from parley.identity.sessions.log_in_sessions import LogInSession
from parley.kernel.values.clock import now
from parley.kernel.values.fields import OneTimeSecret, ResponseModel
from parley.kernel.values.settings import setting


class UserRead(ResponseModel):
    id: UUID
    email: str | None
    name: str | None


class ChosenOrganizationRead(ResponseModel):
    id: UUID
    name: str
    slug: str
    role: MemberRole


class TokensRead(ResponseModel):
    """The names of RFC 6749, section 5.1. `refresh_token` is null when it went into a cookie, or when the one in use stays.

    `device_token` comes with a log-in whose tokens are in the body: sent back as the header `Parley-Device` when logging in or asking for a
    link, it says that the account was logged in to here before.
    """

    access_token: OneTimeSecret
    token_type: str
    expires_in: int
    refresh_token: Annotated[str | None, Field(repr=False)]
    device_token: Annotated[str | None, Field(repr=False)]
    user: UserRead
    organization: ChosenOrganizationRead | None


def issue_tokens(started: LogInSession, *, with_refresh_token: bool = True, device_token: str | None = None) -> TokensRead:
    """The answer, after the transaction of the log-in has committed: the access token is signed by KMS, over the network."""
    organization = started.organization
    bearer = access_tokens.Bearer(
        organization.id if organization else None, started.user_id, organization.role.value if organization else None, started.session_id
    )
    kid = json.loads(setting("TOKEN_JWKS"))["keys"][0]["kid"]
    key_id = setting("TOKEN_KEY_ID")
    return TokensRead(
        access_token=access_tokens.issue(lambda message: token_signing_keys.sign(key_id, message), kid, bearer, now()),
        token_type="Bearer",  # noqa: S106  # the type of RFC 6750
        expires_in=int(access_tokens.LIFE.total_seconds()),
        refresh_token=started.refresh_token if with_refresh_token else None,
        device_token=device_token,
        user=UserRead(id=started.user_id, email=started.email, name=started.name),
        organization=ChosenOrganizationRead.model_validate(organization) if organization else None,
    )
