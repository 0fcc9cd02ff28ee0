"""POST /v1/auth/login"""

from aws_lambda_powertools.event_handler import Response

from parley.identity.log_in import authentication as service
from parley.identity.log_in.schemas import Credentials
from parley.identity.sessions import session_cookies
from parley.identity.sessions.token_response import TokensRead
from parley.kernel.edge.http import Access, Visitor, api, entrypoint

app = api(needs=Access.ANYBODY)


@app.post("/v1/auth/login", operation_id="log_in_with_password")
def log_in(wanted: Credentials, visitor: Visitor) -> Response[TokensRead]:
    started = service.log_in(visitor, wanted.email, wanted.password.get_secret_value())
    return session_cookies.log_in_response(started, as_cookie=wanted.cookie, on_device=True)


lambda_handler = entrypoint(app)
