"""POST /v1/auth/magic-link/redeem"""

from aws_lambda_powertools.event_handler import Response

from parley.identity.accounts import email_links
from parley.identity.log_in.schemas import LinkRedeemed
from parley.identity.models import VerificationKind
from parley.identity.self_service import magic_link
from parley.identity.sessions import session_cookies
from parley.identity.sessions.token_response import TokensRead
from parley.kernel.edge.http import Access, Visitor, api, entrypoint

app = api(needs=Access.ANYBODY)


@app.post("/v1/auth/magic-link/redeem")
def redeem_magic_link(wanted: LinkRedeemed, visitor: Visitor) -> Response[TokensRead]:
    link = email_links.find(wanted.token.get_secret_value(), VerificationKind.MAGIC_LINK)
    started = magic_link.log_in_by_link(visitor, link)
    return session_cookies.log_in_response(started, as_cookie=wanted.cookie, on_device=True)


lambda_handler = entrypoint(app)
