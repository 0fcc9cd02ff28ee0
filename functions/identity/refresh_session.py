"""POST /v1/auth/refresh"""

from aws_lambda_powertools.event_handler import Response

from parley.identity import browser, refreshing
from parley.identity.answers import TokensRead
from parley.identity.log_in_schemas import RefreshWanted
from parley.kernel.http import Access, RawEvent, Visitor, api, entrypoint

app = api(needs=Access.ANYBODY)


@app.post("/v1/auth/refresh")
def refresh_session(wanted: RefreshWanted, visitor: Visitor, event: RawEvent) -> Response[TokensRead]:
    in_body = wanted.refresh_token.get_secret_value() if wanted.refresh_token else None
    token, is_cookie = browser.refresh_token(event, in_body)
    rotated = refreshing.rotate(visitor, token, refreshing.arrival(event))
    with rotated.leaving(visitor):
        return browser.signed_in(rotated.started, as_cookie=is_cookie or wanted.cookie)


lambda_handler = entrypoint(app)
