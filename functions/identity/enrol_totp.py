"""POST /v1/auth/totp"""

from parley.identity.log_in.schemas import Proof, TotpRead
from parley.identity.self_service import second_factor_setup
from parley.kernel.edge.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.post("/v1/auth/totp", status_code=201)
def enrol_totp(caller: AuthenticatedCaller, wanted: Proof | None = None) -> TotpRead:
    secret, uri = second_factor_setup.enrol_totp(caller, *(wanted or Proof()).opened())
    return TotpRead(secret=secret, otpauth_uri=uri)


lambda_handler = entrypoint(app)
