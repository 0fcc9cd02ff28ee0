"""GET /links/{token}: the page of a link in a mail. Looking changes nothing."""

from aws_lambda_powertools.event_handler import Response

from parley.identity.self_service import link_page
from parley.kernel.edge.html_responses import HTML, html_response
from parley.kernel.edge.http import FORM, Access, Visitor, api, entrypoint
from parley.kernel.values.errors import Refusal
from parley.notifications.localization import languages

app = api(needs=Access.ANYBODY, accepts=FORM, most_bytes=8192)


@app.get("/links/<token>", operation_id="show_link", responses=HTML)
def get_link_page(token: str, visitor: Visitor) -> Response[str]:
    return html_response(200, link_page.show(visitor, token), link_page.headers())


app.exception_handler(Refusal)(
    lambda refusal: html_response(
        refusal.status, link_page.refusal_page(refusal.detail, locale=languages.of_headers(app.current_event.headers)), link_page.headers()
    )
)
lambda_handler = entrypoint(app)
