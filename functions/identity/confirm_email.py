"""POST /v1/auth/email/confirm"""

from parley.identity.accounts import email_links
from parley.identity.log_in.schemas import EmailConfirmed
from parley.identity.models import VerificationKind
from parley.identity.self_service import address_change
from parley.kernel.edge.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.post("/v1/auth/email/confirm", status_code=204)
def confirm_email(wanted: EmailConfirmed, caller: AuthenticatedCaller) -> None:
    link = email_links.find(wanted.token.get_secret_value(), VerificationKind.EMAIL)
    address_change.confirm_email(caller, link)


lambda_handler = entrypoint(app)
