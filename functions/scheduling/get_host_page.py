"""GET /hosts/{token}: the page of the link in a host's mail. Looking changes nothing."""

from aws_lambda_powertools.event_handler import Response

from parley.kernel.edge.html_responses import HTML, page_response
from parley.kernel.edge.http import FORM, Access, RawEvent, Visitor, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.kernel.values.errors import NotFound
from parley.notifications.localization import languages
from parley.scheduling.bookings import host_links
from parley.scheduling.bookings.host_access import HostLinkEnded
from parley.scheduling.pages import host_page

app = api(needs=Access.ANYBODY, accepts=FORM, most_bytes=64 * 1024)


@app.get("/hosts/<token>", operation_id="show_hosted_booking", responses=HTML, compress=True)
def get_host_page(token: str, visitor: Visitor, event: RawEvent) -> Response[str]:
    key, query = host_links.key_of(token), event.get("queryStringParameters") or {}
    with transaction(visitor.acting_for(key.organization_id)) as session:
        return page_response(200, host_page.show(session, key, query))


app.exception_handler([NotFound, HostLinkEnded])(
    lambda refusal: page_response(refusal.status, host_page.ended_page(refusal, languages.of_headers(app.current_event.headers)))
)
lambda_handler = entrypoint(app)
