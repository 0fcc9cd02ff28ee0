"""POST /v1/auth/email"""

from parley.identity.log_in.schemas import Accepted, EmailChange
from parley.identity.self_service import own_account
from parley.kernel.edge.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.post("/v1/auth/email", status_code=202)
def change_email(wanted: EmailChange, caller: AuthenticatedCaller) -> Accepted:
    own_account.change_email(caller, wanted.email, *wanted.opened())
    return Accepted(detail="A mail is on its way to the new address; it becomes yours when you open the link in it.")


lambda_handler = entrypoint(app)
