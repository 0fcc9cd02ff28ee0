"""DELETE /v1/auth/totp"""

from parley.identity.log_in.schemas import Proof
from parley.identity.self_service import second_factor_setup
from parley.kernel.edge.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.delete("/v1/auth/totp", status_code=204)
def disable_totp(wanted: Proof, caller: AuthenticatedCaller) -> None:
    second_factor_setup.disable_totp(caller, *wanted.opened())


lambda_handler = entrypoint(app)
