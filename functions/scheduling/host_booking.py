"""GET and POST /hosts/{token}: the page of the link in a host's mail. Looking changes nothing; the forms confirm, decline, cancel, move."""

from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from parley.kernel.db import transaction
from parley.kernel.errors import Conflict, Forbidden, NotFound, Unprocessable
from parley.kernel.http import Access, RawEvent, Visitor, api, entrypoint
from parley.scheduling import host_links, hosted_page
from parley.scheduling.booking_page import NOTHING, Shown
from parley.scheduling.calendars.fresh import transacted
from parley.scheduling.hosted import HostLinkEnded

app = api(needs=Access.ANYBODY, accepts=("application/x-www-form-urlencoded",), most_bytes=64 * 1024)
HTML: dict[int, OpenAPIResponse] = {200: {"description": "The page", "content": {"text/html": {"schema": {"type": "string"}}}}}
AGAIN: dict[int, OpenAPIResponse] = {303: {"description": "Confirmed, declined, canceled or moved; the page says so."}}


def _shown(status: int, page: Shown, **headers: str) -> Response[str]:
    return Response(status, page.kind, page.html, headers=page.headers | headers)


@app.get("/hosts/<token>", responses=HTML, compress=True)
def show_hosted_booking(token: str, visitor: Visitor, event: RawEvent) -> Response[str]:
    key, asked = host_links.key_of(token), event.get("queryStringParameters") or {}
    with transaction(visitor.acting_for(key.organization_id)) as session:
        return _shown(200, hosted_page.show(session, key, asked))


@app.post("/hosts/<token>", responses=AGAIN)
def change_hosted_booking(token: str, visitor: Visitor) -> Response[str]:
    form, key = dict(parse_qsl(app.current_event.decoded_body or "")), host_links.key_of(token)
    caller = visitor.acting_for(key.organization_id)
    try:
        location = transacted(caller, None, lambda session, fresh: hosted_page.submit(session, caller, key, form, fresh))
        return _shown(303, NOTHING, location=location)
    except (Conflict, Unprocessable, Forbidden) as refusal:
        with transaction(caller) as session:
            return _shown(refusal.status, hosted_page.again(session, key, form, refusal))


app.exception_handler([NotFound, HostLinkEnded])(lambda refusal: _shown(refusal.status, hosted_page.ended(refusal)))
lambda_handler = entrypoint(app)
