"""POST /v1/auth/refresh"""

from aws_lambda_powertools.event_handler import Response

from parley.identity.log_in.schemas import RefreshWanted
from parley.identity.sessions import refresh_tokens, session_cookies
from parley.identity.sessions.token_response import TokensRead
from parley.kernel.edge.http import Access, RawEvent, Visitor, api, entrypoint

app = api(needs=Access.ANYBODY)


@app.post("/v1/auth/refresh")
def refresh_session(wanted: RefreshWanted, visitor: Visitor, event: RawEvent) -> Response[TokensRead]:
    in_body = wanted.refresh_token.get_secret_value() if wanted.refresh_token else None
    token, is_cookie = session_cookies.refresh_token(event, in_body)
    rotated = refresh_tokens.rotate(visitor, token, refresh_tokens.received_at(event))
    with rotated.leaving(visitor):
        return session_cookies.log_in_response(rotated.started, as_cookie=is_cookie or wanted.cookie)


lambda_handler = entrypoint(app)
