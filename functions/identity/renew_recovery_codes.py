"""POST /v1/auth/recovery-codes"""

from parley.identity import factors
from parley.identity.log_in_schemas import Proof, RecoveryCodesRead
from parley.kernel.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.post("/v1/auth/recovery-codes")
def renew_recovery_codes(wanted: Proof, caller: AuthenticatedCaller) -> RecoveryCodesRead:
    return RecoveryCodesRead(recovery_codes=factors.renew_recovery_codes(caller, *wanted.opened()))


lambda_handler = entrypoint(app)
