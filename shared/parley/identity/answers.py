"""What somebody gets who has logged in: an access token, and a refresh token where it was not put into a cookie."""

import json
from typing import Annotated
from uuid import UUID

from pydantic import Field

from parley.identity import signing_keys, tokens
from parley.identity.models import MemberRole
from parley.identity.sessions import Started
from parley.kernel.clock import now
from parley.kernel.settings import setting
from parley.kernel.texts import Shown, ShownOnce


class UserRead(Shown):
    id: UUID
    email: str | None
    name: str | None


class ChosenOrganizationRead(Shown):
    id: UUID
    name: str
    slug: str
    role: MemberRole


class TokensRead(Shown):
    """The names of RFC 6749, section 5.1. `refresh_token` is null when it went into a cookie, or when the one in use stays.

    `device_token` comes with a log-in whose tokens are in the body: sent back as the header `Parley-Device` when logging in or asking for a
    link, it says that the account was logged in to here before.
    """

    access_token: ShownOnce
    token_type: str
    expires_in: int
    refresh_token: Annotated[str | None, Field(repr=False)]
    device_token: Annotated[str | None, Field(repr=False)]
    user: UserRead
    organization: ChosenOrganizationRead | None


def tokens_of(started: Started, *, with_refresh_token: bool = True, device_token: str | None = None) -> TokensRead:
    """The answer, after the transaction of the log-in has committed: the access token is signed by KMS, over the network."""
    place = started.organization
    bearer = tokens.Bearer(place.id if place else None, started.user_id, place.role.value if place else None, started.session_id)
    kid = json.loads(setting("TOKEN_JWKS"))["keys"][0]["kid"]
    key_id = setting("TOKEN_KEY_ID")
    return TokensRead(
        access_token=tokens.issue(lambda message: signing_keys.sign(key_id, message), kid, bearer, now()),
        token_type="Bearer",  # noqa: S106  # the type of RFC 6750
        expires_in=int(tokens.LIFE.total_seconds()),
        refresh_token=started.refresh_token if with_refresh_token else None,
        device_token=device_token,
        user=UserRead(id=started.user_id, email=started.email, name=started.name),
        organization=ChosenOrganizationRead.model_validate(place) if place else None,
    )
