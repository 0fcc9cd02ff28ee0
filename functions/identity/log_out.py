"""POST /v1/auth/logout: with a refresh token, in body or cookie, or with an access token."""

from aws_lambda_powertools.event_handler import Response

from parley.identity.log_in.schemas import LogOut
from parley.identity.self_service import session_list
from parley.identity.sessions import session_cookies
from parley.kernel.edge.http import Access, RawEvent, Visitor, api, entrypoint

app = api(needs=Access.ANYBODY)


@app.post("/v1/auth/logout", status_code=204)
def log_out(visitor: Visitor, event: RawEvent, wanted: LogOut | None = None) -> Response[None]:
    in_body = wanted.refresh_token.get_secret_value() if wanted and wanted.refresh_token else None
    access_token = session_cookies.access_token(event)
    if access_token is not None and in_body is None:
        session_list.log_out_by_access_token(visitor, access_token)
    else:
        session_list.log_out_by_refresh_token(visitor, session_cookies.refresh_token(event, in_body)[0])
    return session_cookies.log_out_response()


lambda_handler = entrypoint(app)
