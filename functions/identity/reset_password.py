"""POST /v1/auth/password-reset/redeem"""

from parley.identity.accounts import email_links
from parley.identity.log_in.schemas import PasswordReset
from parley.identity.models import VerificationKind
from parley.identity.self_service import password_reset
from parley.kernel.edge.http import Access, Visitor, api, entrypoint

app = api(needs=Access.ANYBODY)


@app.post("/v1/auth/password-reset/redeem", status_code=204)
def reset_password(wanted: PasswordReset, visitor: Visitor) -> None:
    link = email_links.find(wanted.token.get_secret_value(), VerificationKind.PASSWORD_RESET)
    password_reset.reset_password(visitor, link, wanted.password.get_secret_value(), drops_older=wanted.drop_older_ways_in)


lambda_handler = entrypoint(app)
