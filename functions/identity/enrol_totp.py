"""POST /v1/auth/totp"""

from parley.identity import factors
from parley.identity.log_in_schemas import TotpRead
from parley.kernel.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.post("/v1/auth/totp", status_code=201)
def enrol_totp(caller: AuthenticatedCaller) -> TotpRead:
    secret, uri = factors.enrol_totp(caller)
    return TotpRead(secret=secret, otpauth_uri=uri)


lambda_handler = entrypoint(app)
