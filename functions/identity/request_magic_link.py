"""POST /v1/auth/magic-link"""

from parley.identity import mailed
from parley.identity.log_in_schemas import Accepted, LinkWanted
from parley.identity.models import VerificationKind
from parley.kernel.http import Access, Visitor, api, entrypoint

app = api(needs=Access.ANYBODY)


@app.post("/v1/auth/magic-link", operation_id="ask_magic_link", status_code=202)
def request_magic_link(wanted: LinkWanted, visitor: Visitor) -> Accepted:
    mailed.ask(visitor, VerificationKind.MAGIC_LINK, wanted.email)
    return Accepted(detail="If this address has an account, a link that logs in is on its way to it.")


lambda_handler = entrypoint(app)
