"""POST /v1/scheduling/calendars/connect/{provider}: where to send a member's browser, for their calendars at Google or Microsoft."""

from aws_lambda_powertools.event_handler import Response

from parley.calendars import configured
from parley.identity.providers import cookies, returns
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.scheduling.calendars import consent
from parley.scheduling.calendars.consent import ConsentBegun, ConsentWanted

app = api(needs="calendars:write")


@app.post("/v1/scheduling/calendars/connect/<provider>")
def start_calendar_consent(provider: str, caller: AuthenticatedCaller, wanted: ConsentWanted | None = None) -> Response[ConsentBegun]:
    client = configured.named(provider)
    attempt, begun = consent.begin(caller, client, returns.checked(wanted.return_to if wanted else None))
    return Response(200, "application/json", begun, cookies=[cookies.of_attempt(attempt.kind, attempt)])


lambda_handler = entrypoint(app)
