"""POST /v1/scheduling/calendars/connect/{provider}: where to send a member's browser, for their calendars at Google or Microsoft."""

from aws_lambda_powertools.event_handler import Response

from parley.calendar_providers import calendar_oauth_clients
from parley.identity.providers import provider_cookies, redirect_allowlist
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.scheduling.calendar_connections import calendar_consent
from parley.scheduling.calendar_connections.calendar_consent import ConsentBegun, ConsentWanted

app = api(needs="calendars:write")


@app.post("/v1/scheduling/calendars/connect/<provider>")
def start_calendar_consent(provider: str, caller: AuthenticatedCaller, wanted: ConsentWanted | None = None) -> Response[ConsentBegun]:
    client = calendar_oauth_clients.client_of_provider(provider)
    attempt, begun = calendar_consent.begin(caller, client, redirect_allowlist.allowed_return(wanted.return_to if wanted else None))
    return Response(200, "application/json", begun, cookies=[provider_cookies.attempt_cookie(attempt.kind, attempt)])


lambda_handler = entrypoint(app)
