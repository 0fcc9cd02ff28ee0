"""GET and POST /agreements/{token}: the page where an address agrees to messages, or stops them. Looking changes nothing."""

from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from parley.kernel.db import transaction
from parley.kernel.http import Access, Visitor, api, entrypoint
from parley.scheduling.workflows import agreement_page, agreements

app = api(needs=Access.ANYBODY, accepts=("application/x-www-form-urlencoded",), most_bytes=1024)
HTML: dict[int, OpenAPIResponse] = {200: {"description": "The page", "content": {"text/html": {"schema": {"type": "string"}}}}}


def _shown(status: int, html: str) -> Response[str]:
    return Response(status, "text/html; charset=utf-8", html, headers=agreement_page.headers())


@app.get("/agreements/<token>", responses=HTML)
def show_agreement(token: str, visitor: Visitor) -> Response[str]:
    organization_id, _ = agreements.ids_of(token)
    with transaction(visitor.acting_for(organization_id)) as session:
        return _shown(200, agreement_page.page(*agreements.find(session, token)))


@app.post("/agreements/<token>", responses=HTML)
def submit_agreement(token: str, visitor: Visitor) -> Response[str]:
    form = dict(parse_qsl(app.current_event.decoded_body or ""))
    caller = visitor.acting_for(agreements.ids_of(token)[0])
    with transaction(caller) as session:
        decided = agreements.decide(session, caller, token, agrees=form.get("decision") == "agree")
        return _shown(200, agreement_page.page(*decided))


app.exception_handler(agreements.NoSuchAgreement)(lambda refusal: _shown(404, agreement_page.missing(refusal.detail)))
lambda_handler = entrypoint(app)
