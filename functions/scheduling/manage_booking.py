"""GET and POST /bookings/{token}: the page of the link in the invitee's mail. Looking changes nothing; the form on it cancels."""

from urllib.parse import parse_qs

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from parley.kernel.db import transaction
from parley.kernel.errors import Conflict, NotFound, Refusal
from parley.kernel.http import Access, Visitor, api, entrypoint
from parley.kernel.texts import storable
from parley.scheduling import managed, managed_page

app = api(needs=Access.ANYBODY, accepts=("application/x-www-form-urlencoded",))
HTML: dict[int, OpenAPIResponse] = {200: {"description": "The page", "content": {"text/html": {"schema": {"type": "string"}}}}}
AGAIN: dict[int, OpenAPIResponse] = {303: {"description": "Canceled; the page says so."}}


def _shown(status: int, html: str) -> Response[str]:
    return Response(status, "text/html; charset=utf-8", html, headers=managed_page.headers())


@app.get("/bookings/<token>", responses=HTML)
def show_booking(token: str, visitor: Visitor) -> Response[str]:
    key = managed.key_of(token)
    with transaction(visitor.acting_for(key.organization_id)) as session:
        return _shown(200, managed_page.page(managed.managed_booking(session, key)))


@app.post("/bookings/<token>", responses=AGAIN)
def cancel_booking(token: str, visitor: Visitor) -> Response[str]:
    reason, key = parse_qs(app.current_event.decoded_body or "").get("reason", [""])[0], managed.key_of(token)
    caller = visitor.acting_for(key.organization_id)
    with transaction(caller) as session:
        managed.cancel(session, caller, key, storable(reason).strip()[:500])
    return Response(303, "text/html; charset=utf-8", "", headers=managed_page.headers() | {"location": f"/bookings/{token}"})


def _refused(refusal: Refusal) -> Response[str]:
    return _shown(refusal.status, managed_page.page_without_booking(refusal.detail))


app.exception_handler([NotFound, Conflict])(_refused)
lambda_handler = entrypoint(app)
