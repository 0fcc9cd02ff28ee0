"""POST /v1/auth/login"""

from aws_lambda_powertools.event_handler import Response

from parley.identity import browser
from parley.identity import log_in as service
from parley.identity.answers import TokensRead
from parley.identity.log_in_schemas import Credentials
from parley.kernel.http import Access, Visitor, api, entrypoint

app = api(needs=Access.ANYBODY)


@app.post("/v1/auth/login", operation_id="log_in_with_password")
def log_in(wanted: Credentials, visitor: Visitor) -> Response[TokensRead]:
    started = service.log_in(visitor, wanted.email, wanted.password.get_secret_value())
    return browser.signed_in(started, as_cookie=wanted.cookie, on_device=True)


lambda_handler = entrypoint(app)
