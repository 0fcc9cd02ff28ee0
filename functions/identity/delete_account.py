"""DELETE /v1/auth/account"""

from aws_lambda_powertools.event_handler import Response

from parley.identity.log_in.schemas import Proof
from parley.identity.self_service import account_deletion
from parley.identity.sessions import session_cookies
from parley.kernel.edge.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.delete("/v1/auth/account", status_code=204)
def delete_account(wanted: Proof, caller: AuthenticatedCaller) -> Response[None]:
    account_deletion.delete_account(caller, *wanted.opened())
    return session_cookies.log_out_response()


lambda_handler = entrypoint(app)
