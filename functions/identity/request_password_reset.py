"""POST /v1/auth/password-reset"""

from parley.identity.log_in.schemas import Accepted, LinkWanted
from parley.identity.models import VerificationKind
from parley.identity.self_service import link_actions
from parley.kernel.edge.http import Access, Visitor, api, entrypoint

app = api(needs=Access.ANYBODY)


@app.post("/v1/auth/password-reset", operation_id="ask_password_reset", status_code=202)
def request_password_reset(wanted: LinkWanted, visitor: Visitor) -> Accepted:
    link_actions.request_link(visitor, VerificationKind.PASSWORD_RESET, wanted.email)
    return Accepted(detail="If this address has an account, a link to choose a new password is on its way to it.")


lambda_handler = entrypoint(app)
