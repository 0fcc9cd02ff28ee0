"""POST /v1/auth/totp"""

from parley.identity import factors
from parley.identity.log_in_schemas import Proof, TotpRead
from parley.kernel.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.post("/v1/auth/totp", status_code=201)
def enrol_totp(caller: AuthenticatedCaller, wanted: Proof | None = None) -> TotpRead:
    secret, uri = factors.enrol_totp(caller, *(wanted or Proof()).opened())
    return TotpRead(secret=secret, otpauth_uri=uri)


lambda_handler = entrypoint(app)
