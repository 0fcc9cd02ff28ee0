"""GET /hosts/{token}: the page of the link in a host's mail. Looking changes nothing."""

from aws_lambda_powertools.event_handler import Response

from parley.kernel.db import transaction
from parley.kernel.errors import NotFound
from parley.kernel.html_responses import HTML, page_response
from parley.kernel.http import Access, RawEvent, Visitor, api, entrypoint
from parley.notifications import languages
from parley.scheduling import host_links, hosted_page
from parley.scheduling.hosted import HostLinkEnded

app = api(needs=Access.ANYBODY, accepts=("application/x-www-form-urlencoded",), most_bytes=64 * 1024)


@app.get("/hosts/<token>", operation_id="show_hosted_booking", responses=HTML, compress=True)
def get_host_page(token: str, visitor: Visitor, event: RawEvent) -> Response[str]:
    key, asked = host_links.key_of(token), event.get("queryStringParameters") or {}
    with transaction(visitor.acting_for(key.organization_id)) as session:
        return page_response(200, hosted_page.show(session, key, asked))


app.exception_handler([NotFound, HostLinkEnded])(
    lambda refusal: page_response(refusal.status, hosted_page.ended(refusal, languages.of_headers(app.current_event.headers)))
)
lambda_handler = entrypoint(app)
