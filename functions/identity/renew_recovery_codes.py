"""POST /v1/auth/recovery-codes"""

from parley.identity.log_in.schemas import Proof, RecoveryCodesRead
from parley.identity.self_service import second_factor_setup
from parley.kernel.edge.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.post("/v1/auth/recovery-codes")
def renew_recovery_codes(wanted: Proof, caller: AuthenticatedCaller) -> RecoveryCodesRead:
    return RecoveryCodesRead(recovery_codes=second_factor_setup.renew_recovery_codes(caller, *wanted.opened()))


lambda_handler = entrypoint(app)
