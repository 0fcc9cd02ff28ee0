"""POST /v1/auth/email/confirm"""

from parley.identity import links, mailed
from parley.identity.log_in_schemas import EmailConfirmed
from parley.identity.models import VerificationKind
from parley.kernel.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.post("/v1/auth/email/confirm", status_code=204)
def confirm_email(wanted: EmailConfirmed, caller: AuthenticatedCaller) -> None:
    link = links.find(wanted.token.get_secret_value(), VerificationKind.EMAIL)
    mailed.confirm_email(caller, link)


lambda_handler = entrypoint(app)
