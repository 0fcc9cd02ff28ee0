"""GET and POST /bookings/{token}: the page of the link in the invitee's mail. Looking changes nothing; the forms cancel or move."""

from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from parley.kernel.db import transaction
from parley.kernel.errors import Conflict, NotFound, Unprocessable
from parley.kernel.http import Access, RawEvent, Visitor, api, entrypoint
from parley.scheduling import managed, managed_page
from parley.scheduling.booking_page import NOTHING, Shown
from parley.scheduling.calendars.fresh import transacted

app = api(needs=Access.ANYBODY, accepts=("application/x-www-form-urlencoded",), most_bytes=64 * 1024)
HTML: dict[int, OpenAPIResponse] = {200: {"description": "The page", "content": {"text/html": {"schema": {"type": "string"}}}}}
AGAIN: dict[int, OpenAPIResponse] = {303: {"description": "Canceled or moved; the page says so."}}


def _shown(status: int, page: Shown, **headers: str) -> Response[str]:
    return Response(status, page.kind, page.html, headers=page.headers | headers)


@app.get("/bookings/<token>", responses=HTML, compress=True)
def show_booking(token: str, visitor: Visitor, event: RawEvent) -> Response[str]:
    key, asked = managed.key_of(token), event.get("queryStringParameters") or {}
    with transaction(visitor.acting_for(key.organization_id)) as session:
        return _shown(200, managed_page.show(session, managed.find(session, key), token, asked))


@app.post("/bookings/<token>", responses=AGAIN)
def submit_booking(token: str, visitor: Visitor) -> Response[str]:
    form, key = dict(parse_qsl(app.current_event.decoded_body or "")), managed.key_of(token)
    caller = visitor.acting_for(key.organization_id)
    try:
        location = transacted(caller, None, lambda session, fresh: managed_page.submit(session, caller, key, token, form, fresh))
        return _shown(303, NOTHING, location=location)
    except (Conflict, Unprocessable) as refusal:
        with transaction(caller) as session:
            return _shown(refusal.status, managed_page.again(session, managed.find(session, key), token, form, refusal))


app.exception_handler(NotFound)(lambda refusal: _shown(404, managed_page.missing(refusal)))
lambda_handler = entrypoint(app)
