"""POST /v1/auth/verify-email"""

from aws_lambda_powertools.event_handler import Response

from parley.identity import browser, links, registering
from parley.identity.answers import TokensRead
from parley.identity.log_in_schemas import RegistrationConfirmed
from parley.identity.models import VerificationKind
from parley.kernel.http import Access, Visitor, api, entrypoint

app = api(needs=Access.ANYBODY)


@app.post("/v1/auth/verify-email")
def verify_email(wanted: RegistrationConfirmed, visitor: Visitor) -> Response[TokensRead]:
    link = links.find(wanted.token.get_secret_value(), VerificationKind.REGISTRATION)
    started = registering.verify(visitor, link, password=wanted.password.get_secret_value(), name=wanted.name)
    return browser.signed_in(started, as_cookie=wanted.cookie, on_device=True)


lambda_handler = entrypoint(app)
