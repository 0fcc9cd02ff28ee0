"""POST /v1/auth/email/confirm"""

from parley.identity import mailed
from parley.identity.log_in_schemas import EmailConfirmed
from parley.kernel.http import Access, Visitor, api, entrypoint

app = api(needs=Access.ANYBODY)


@app.post("/v1/auth/email/confirm", status_code=204)
def confirm_email(wanted: EmailConfirmed, visitor: Visitor) -> None:
    mailed.confirm_email(visitor, wanted.token.get_secret_value())


lambda_handler = entrypoint(app)
