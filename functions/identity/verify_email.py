"""POST /v1/auth/verify-email"""

from aws_lambda_powertools.event_handler import Response

from parley.identity.accounts import email_links
from parley.identity.log_in.schemas import RegistrationConfirmed
from parley.identity.models import VerificationKind
from parley.identity.self_service import registration
from parley.identity.sessions import session_cookies
from parley.identity.sessions.token_response import TokensRead
from parley.kernel.edge.http import Access, Visitor, api, entrypoint

app = api(needs=Access.ANYBODY)


@app.post("/v1/auth/verify-email")
def verify_email(wanted: RegistrationConfirmed, visitor: Visitor) -> Response[TokensRead]:
    link = email_links.find(wanted.token.get_secret_value(), VerificationKind.REGISTRATION)
    started = registration.verify(visitor, link, password=wanted.password.get_secret_value(), name=wanted.name)
    return session_cookies.log_in_response(started, as_cookie=wanted.cookie, on_device=True)


lambda_handler = entrypoint(app)
