"""POST /v1/auth/magic-link"""

from parley.identity.log_in.schemas import Accepted, LinkWanted
from parley.identity.models import VerificationKind
from parley.identity.self_service import link_actions
from parley.kernel.edge.http import Access, Visitor, api, entrypoint

app = api(needs=Access.ANYBODY)


@app.post("/v1/auth/magic-link", operation_id="ask_magic_link", status_code=202)
def request_magic_link(wanted: LinkWanted, visitor: Visitor) -> Accepted:
    link_actions.request_link(visitor, VerificationKind.MAGIC_LINK, wanted.email)
    return Accepted(detail="If this address has an account, a link that logs in is on its way to it.")


lambda_handler = entrypoint(app)
