"""POST /v1/auth/login"""

from aws_lambda_powertools.event_handler import Response

from parley.identity import browser
from parley.identity.answers import TokensRead
from parley.identity.log_in import log_in
from parley.identity.log_in_schemas import Credentials
from parley.kernel.http import Access, Visitor, api, entrypoint

app = api(needs=Access.ANYBODY)


@app.post("/v1/auth/login")
def log_in_with_password(wanted: Credentials, visitor: Visitor) -> Response[TokensRead]:
    started = log_in(visitor, wanted.email, wanted.password.get_secret_value())
    return browser.signed_in(started, as_cookie=wanted.cookie, on_device=True)


lambda_handler = entrypoint(app)
