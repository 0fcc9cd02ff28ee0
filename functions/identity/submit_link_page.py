"""POST /links/{token}: the form of the page, which does what the link is for."""

from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler import Response

from parley.identity.accounts.passwords import PasswordNotAccepted
from parley.identity.accounts.second_factor import InvalidCode
from parley.identity.log_in.reauthentication import LogInAgain, NoPassword, WrongPassword
from parley.identity.self_service import link_page
from parley.identity.sessions import session_cookies
from parley.kernel.access.visitor_limits import WRITES_PER_NETWORK
from parley.kernel.edge.html_responses import HTML, html_response
from parley.kernel.edge.http import FORM, Access, RawEvent, Visitor, api, entrypoint
from parley.kernel.values.errors import Refusal
from parley.kernel.values.fields import storable
from parley.notifications.localization import languages

app = api(needs=Access.ANYBODY, limit=WRITES_PER_NETWORK, accepts=FORM, most_bytes=8192)


@app.post("/links/<token>", operation_id="submit_link", responses=HTML)
def submit_link_page(token: str, visitor: Visitor, event: RawEvent) -> Response[str]:
    session_cookies.refuse_other_sites(event)
    form = dict(parse_qsl(storable(app.current_event.decoded_body or "")))
    try:
        started, html = link_page.submit(visitor, token, form)
    except (InvalidCode, PasswordNotAccepted, WrongPassword, NoPassword, LogInAgain) as refusal:
        return html_response(refusal.status, link_page.retry_page(visitor, refusal.detail, token, form), link_page.headers())
    cookies = session_cookies.log_in_cookies(started) if started is not None else []
    return html_response(200, html, link_page.headers(), cookies)


app.exception_handler(Refusal)(
    lambda refusal: html_response(
        refusal.status, link_page.refusal_page(refusal.detail, locale=languages.of_headers(app.current_event.headers)), link_page.headers()
    )
)
lambda_handler = entrypoint(app)
