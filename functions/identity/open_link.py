"""GET and POST /links/{token}: the page of a link in a mail. Looking changes nothing; the form on it does what the link is for."""

from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from parley.identity import browser, link_page
from parley.identity.passwords import PasswordNotAccepted
from parley.identity.reauthentication import LogInAgain, NoPassword, WrongPassword
from parley.identity.second_factors import InvalidCode
from parley.kernel.errors import Refusal
from parley.kernel.http import Access, RawEvent, Visitor, api, entrypoint
from parley.kernel.texts import storable

app = api(needs=Access.ANYBODY, accepts=("application/x-www-form-urlencoded",), most_bytes=8192)
HTML: dict[int, OpenAPIResponse] = {200: {"description": "The page", "content": {"text/html": {"schema": {"type": "string"}}}}}


def _shown(status: int, html: str, *cookies: browser.Cookie) -> Response[str]:
    return Response(status, "text/html; charset=utf-8", html, headers=link_page.headers(), cookies=list(cookies))


@app.get("/links/<token>", responses=HTML)
def show_link(token: str, visitor: Visitor) -> Response[str]:
    return _shown(200, link_page.show(visitor, token))


@app.post("/links/<token>", responses=HTML)
def submit_link(token: str, visitor: Visitor, event: RawEvent) -> Response[str]:
    browser.refuse_other_sites(event)
    form = dict(parse_qsl(storable(app.current_event.decoded_body or "")))
    try:
        started, html = link_page.submit(visitor, token, form)
    except (InvalidCode, PasswordNotAccepted, WrongPassword, NoPassword, LogInAgain) as refusal:
        return _shown(refusal.status, link_page.asked_again(visitor, refusal.detail, token, form))
    return _shown(200, html, *([*browser.device_cookie_of(started), browser.cookie_of(started)] if started is not None else []))


app.exception_handler(Refusal)(lambda refusal: _shown(refusal.status, link_page.refused(refusal.detail)))
lambda_handler = entrypoint(app)
