"""POST /v1/auth/totp/confirm"""

from parley.identity import factors
from parley.identity.log_in_schemas import CodeGiven, RecoveryCodesRead
from parley.kernel.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.post("/v1/auth/totp/confirm")
def confirm_totp(wanted: CodeGiven, caller: AuthenticatedCaller) -> RecoveryCodesRead:
    return RecoveryCodesRead(recovery_codes=factors.confirm_totp(caller, wanted.code.get_secret_value()))


lambda_handler = entrypoint(app)
