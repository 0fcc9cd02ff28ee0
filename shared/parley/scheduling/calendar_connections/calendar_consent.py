"""A person lets us into their account at Google or Microsoft: sent there with their browser, and back with a code.

The attempt is as that of a log-in (`identity.providers.attempts`): kept by the browser that began it, and naming the member who did.
"""

from parley.calendar_providers import calendar_oauth
from parley.calendar_providers.calendar_oauth_clients import CalendarOAuthClient
from parley.calendar_providers.provider_protocol import (
    CalendarTokens,
    Discover,
    DiscoveryResult,
    ExchangeCode,
    OAuthAccount,
    ProviderError,
    ProviderErrorCode,
)
from parley.identity.providers.oauth_state import AuthorizationAttempt
from parley.kernel.access.callers import ActorType, Caller
from parley.kernel.edge.request_context import NotAPerson
from parley.kernel.persistence.transactions import transaction
from parley.kernel.values.errors import BadRequest, Forbidden, Unavailable
from parley.kernel.values.fields import Line, RequestModel, ResponseModel
from parley.kernel.values.settings import setting
from parley.scheduling.calendar_connections.calendar_accounts import connect
from parley.scheduling.calendar_connections.connection_rows import AuthorizedAccount
from parley.scheduling.calendar_connections.provider_calls import ask
from parley.scheduling.calendar_connections.schemas import CalendarConnectionDetailRead
from parley.scheduling.tables.calendar_models import CalendarMethod, CalendarProvider

_LONGEST_CODE = 2048
_SECONDS = 8.0
# RFC 6749, 4.1.2.1; OpenID Connect Core, 3.1.2.6.
_DENIALS = frozenset({"access_denied", "consent_required", "interaction_required", "login_required"})


class ConsentWanted(RequestModel):
    """`return_to` is a path of this API, or an address at one of the allowed origins."""

    return_to: Line | None = None


class ConsentBegun(ResponseModel):
    """Send the browser there; it comes back within ten minutes."""

    authorization_url: str


class ConsentDenied(Forbidden):
    """The person has not agreed, at the provider."""


class PermissionsMissing(Forbidden):
    """The person has agreed to a part, and it is not enough to work with."""


class ConsentFailed(BadRequest):
    """The provider does not take the code that came with the browser."""


class CalendarProviderUnavailable(Unavailable):
    """The provider does not answer, or not in a form that can be read."""


def kind_of(client: CalendarOAuthClient) -> str:
    """What its attempts are called: none at logging in."""
    return f"calendar_{client.name}"


def redirect_uri(client: CalendarOAuthClient) -> str:
    """Our address that the provider sends browsers back to; registered with it letter by letter."""
    return f"{setting('PUBLIC_URL').rstrip('/')}/v1/scheduling/calendars/connect/{client.name}/callback"


def begin(caller: Caller, client: CalendarOAuthClient, return_to: str | None) -> tuple[AuthorizationAttempt, ConsentBegun]:
    """For a logged-in member, whose session goes on. Raises `NotAPerson`, and what `transaction` raises."""
    caller.require("calendars:write")
    if caller.actor_type is not ActorType.USER:
        raise NotAPerson("This is for people; log in, an API key can't do it.")
    with transaction(caller):  # asks whether the session goes on
        session_id = caller.admission.session_id if caller.admission else None
    member = {"user_id": caller.actor_id, "session_id": session_id, "organization_id": caller.organization_id}
    attempt = AuthorizationAttempt.begin(kind_of(client), return_to, role=caller.role, **member)
    url = calendar_oauth.authorization_url(client, redirect_uri(client), attempt.state, attempt.challenge)
    return attempt, ConsentBegun(authorization_url=url)


def code_of(answer: dict[str, str]) -> str:
    """The code in the provider's answer. Raises `ConsentDenied`, `CalendarProviderUnavailable`, `ConsentFailed`."""
    problem = answer.get("error")
    if problem in _DENIALS:
        raise ConsentDenied("The connection was not agreed to at the provider.")
    if problem:
        raise CalendarProviderUnavailable("The provider could not ask for your permission; try again.")
    code = answer.get("code", "")
    if not 0 < len(code) <= _LONGEST_CODE:
        raise ConsentFailed("The provider's answer holds no code; start again.")
    return code


def finish(client: CalendarOAuthClient, attempt: AuthorizationAttempt, code: str, member: Caller) -> CalendarConnectionDetailRead:
    """Exchange the code, look who it is, and keep it: as the member's who began, if they still are one.

    Raises `ConsentFailed`, `PermissionsMissing`, `CalendarProviderUnavailable`, and what `connect` and `transaction` raise.
    """
    with transaction(member):  # a session that has ended obtains no tokens
        pass
    tokens, discovery = _granted(client, attempt, code)
    account = AuthorizedAccount(
        provider=CalendarProvider(client.provider.value),
        method=CalendarMethod.OAUTH,
        account_id=discovery.account_id,
        account_name=discovery.account_name,
        calendars=discovery.calendars,
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        expires_at=tokens.expires_at,
        scopes=tokens.scopes,
    )
    with transaction(member) as session:
        return connect(session, member, account)


def _granted(client: CalendarOAuthClient, attempt: AuthorizationAttempt, code: str) -> tuple[CalendarTokens, DiscoveryResult]:
    wanted = ExchangeCode(code=code, verifier=attempt.verifier, redirect_uri=redirect_uri(client))
    try:
        tokens = ask(OAuthAccount(provider=client.provider), wanted, CalendarTokens, _SECONDS)
        if tokens.refresh_token is None or (tokens.scopes and not client.needed <= set(tokens.scopes)):
            raise PermissionsMissing("Calendars can't be connected without these permissions; start again, and leave every box ticked.")
        discovery = ask(OAuthAccount(provider=client.provider, access_token=tokens.access_token), Discover(), DiscoveryResult, _SECONDS)
    except ProviderError as met:
        if met.code is ProviderErrorCode.REFUSED:
            raise ConsentFailed("The provider did not take what came with your browser; start again.") from None
        if met.code is ProviderErrorCode.UNAUTHORIZED:
            raise PermissionsMissing("The provider does not show us your calendars; start again, and leave every box ticked.") from None
        raise CalendarProviderUnavailable("The provider does not answer right now; try again.") from None
    return tokens, discovery
