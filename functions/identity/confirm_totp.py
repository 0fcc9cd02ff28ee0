"""POST /v1/auth/totp/confirm"""

from parley.identity.log_in.schemas import CodeGiven, RecoveryCodesRead
from parley.identity.self_service import second_factor_setup
from parley.kernel.edge.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.post("/v1/auth/totp/confirm")
def confirm_totp(wanted: CodeGiven, caller: AuthenticatedCaller) -> RecoveryCodesRead:
    return RecoveryCodesRead(recovery_codes=second_factor_setup.confirm_totp(caller, wanted.code.get_secret_value()))


lambda_handler = entrypoint(app)
