"""DELETE /v1/auth/totp"""

from parley.identity import factors
from parley.identity.log_in_schemas import Proof
from parley.kernel.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.delete("/v1/auth/totp", status_code=204)
def disable_totp(wanted: Proof, caller: AuthenticatedCaller) -> None:
    factors.disable_totp(caller, *wanted.opened())


lambda_handler = entrypoint(app)
