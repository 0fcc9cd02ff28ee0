"""DELETE /v1/auth/account"""

from aws_lambda_powertools.event_handler import Response

from parley.identity import browser, deleting
from parley.identity.log_in_schemas import Proof
from parley.kernel.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.delete("/v1/auth/account", status_code=204)
def delete_account(wanted: Proof, caller: AuthenticatedCaller) -> Response[None]:
    deleting.delete_account(caller, *wanted.opened())
    return browser.signed_out()


lambda_handler = entrypoint(app)
