"""POST /v1/auth/logout-everywhere"""

from aws_lambda_powertools.event_handler import Response

from parley.identity.self_service import session_list
from parley.identity.sessions import session_cookies
from parley.kernel.edge.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.post("/v1/auth/logout-everywhere", status_code=204)
def log_out_everywhere(caller: AuthenticatedCaller) -> Response[None]:
    session_list.log_out_everywhere(caller)
    return session_cookies.log_out_response()


lambda_handler = entrypoint(app)
