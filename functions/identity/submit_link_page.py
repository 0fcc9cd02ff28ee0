"""POST /links/{token}: the form of the page, which does what the link is for."""

from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler import Response

from parley.identity import browser, link_page
from parley.identity.passwords import PasswordNotAccepted
from parley.identity.reauthentication import LogInAgain, NoPassword, WrongPassword
from parley.identity.second_factors import InvalidCode
from parley.kernel.errors import Refusal
from parley.kernel.html_responses import HTML, html_response
from parley.kernel.http import Access, RawEvent, Visitor, api, entrypoint
from parley.kernel.texts import storable
from parley.notifications import languages

app = api(needs=Access.ANYBODY, accepts=("application/x-www-form-urlencoded",), most_bytes=8192)


@app.post("/links/<token>", operation_id="submit_link", responses=HTML)
def submit_link_page(token: str, visitor: Visitor, event: RawEvent) -> Response[str]:
    browser.refuse_other_sites(event)
    form = dict(parse_qsl(storable(app.current_event.decoded_body or "")))
    try:
        started, html = link_page.submit(visitor, token, form)
    except (InvalidCode, PasswordNotAccepted, WrongPassword, NoPassword, LogInAgain) as refusal:
        return html_response(refusal.status, link_page.asked_again(visitor, refusal.detail, token, form), link_page.headers())
    cookies = [*browser.device_cookie_of(started), browser.cookie_of(started)] if started is not None else []
    return html_response(200, html, link_page.headers(), cookies)


app.exception_handler(Refusal)(
    lambda refusal: html_response(
        refusal.status, link_page.refused(refusal.detail, locale=languages.of_headers(app.current_event.headers)), link_page.headers()
    )
)
lambda_handler = entrypoint(app)
