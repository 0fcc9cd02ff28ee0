"""GET /{organization}/{event_type} and /{organization}: the pages on which people book. GET /embed.js puts them into others' pages."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from parley.kernel.db import transaction
from parley.kernel.http import Access, RawEvent, Visitor, api, entrypoint
from parley.scheduling import booking_page, event_types_page, links, managed, managed_page
from parley.scheduling.visits import Visit

app = api(needs=Access.ANYBODY)
HTML: dict[int, OpenAPIResponse] = {200: {"description": "The page", "content": {"text/html": {"schema": {"type": "string"}}}}}
SCRIPT: dict[int, OpenAPIResponse] = {200: {"description": "The script", "content": {"text/javascript": {"schema": {"type": "string"}}}}}


def _shown(status: int, page: booking_page.Shown) -> Response[str]:
    return Response(status, "text/html; charset=utf-8", page.html, headers=page.headers)


@app.get("/embed.js", responses=SCRIPT)
def show_embed_script() -> Response[str]:
    return Response(200, "text/javascript; charset=utf-8", booking_page.embed_script(), headers=booking_page.EMBEDDED)


@app.get("/<organization>", responses=HTML, compress=True)
def list_offers(organization: str, visitor: Visitor, event: RawEvent) -> Response[str]:
    asked = event.get("queryStringParameters") or {}
    with transaction(visitor.acting_for(links.visited(organization))) as session:
        return _shown(200, event_types_page.show(session, Visit.of(f"/{organization}", asked, event["headers"]), asked.get("cursor")))


@app.get("/<organization>/<event_type>", responses=HTML, compress=True)
def show_offer(organization: str, event_type: str, visitor: Visitor, event: RawEvent) -> Response[str]:
    asked, headers = event.get("queryStringParameters") or {}, event["headers"]
    visit = Visit.of(f"/{organization}/{event_type}", asked, headers)
    if token := asked.get("booking"):
        key = managed.key_of(token)
        with transaction(visitor.acting_for(key.organization_id)) as session:
            return _shown(200, managed_page.confirmation(managed.find(session, key), token, organization, visit))
    with transaction(visitor.acting_for(links.visited(organization))) as session:
        return _shown(200, booking_page.show(session, event_type, visit, headers.get("parley-hold")))


app.exception_handler(list(booking_page.MISSING))(lambda refusal: _shown(refusal.status, booking_page.refused(refusal)))
lambda_handler = entrypoint(app)
