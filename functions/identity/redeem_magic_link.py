"""POST /v1/auth/magic-link/redeem"""

from aws_lambda_powertools.event_handler import Response

from parley.identity import browser, links, mailed
from parley.identity.answers import TokensRead
from parley.identity.log_in_schemas import LinkRedeemed
from parley.identity.models import VerificationKind
from parley.kernel.http import Access, Visitor, api, entrypoint

app = api(needs=Access.ANYBODY)


@app.post("/v1/auth/magic-link/redeem")
def redeem_magic_link(wanted: LinkRedeemed, visitor: Visitor) -> Response[TokensRead]:
    link = links.find(wanted.token.get_secret_value(), VerificationKind.MAGIC_LINK)
    started = mailed.log_in_by_link(visitor, link)
    return browser.signed_in(started, as_cookie=wanted.cookie, on_device=True)


lambda_handler = entrypoint(app)
