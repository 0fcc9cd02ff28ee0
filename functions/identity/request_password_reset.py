"""POST /v1/auth/password-reset"""

from parley.identity import mailed
from parley.identity.log_in_schemas import Accepted, LinkWanted
from parley.identity.models import VerificationKind
from parley.kernel.http import Access, Visitor, api, entrypoint

app = api(needs=Access.ANYBODY)


@app.post("/v1/auth/password-reset", operation_id="ask_password_reset", status_code=202)
def request_password_reset(wanted: LinkWanted, visitor: Visitor) -> Accepted:
    mailed.ask(visitor, VerificationKind.PASSWORD_RESET, wanted.email)
    return Accepted(detail="If this address has an account, a link to choose a new password is on its way to it.")


lambda_handler = entrypoint(app)
