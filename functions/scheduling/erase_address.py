"""POST /v1/scheduling/invitees/erase"""

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.scheduling import erasure
from parley.scheduling.erasure_schemas import AddressErasure, ErasureRead

app = api(needs="invitees:erase")


@app.post("/v1/scheduling/invitees/erase")
def erase_address(wanted: AddressErasure, caller: AuthenticatedCaller) -> ErasureRead:
    with transaction(caller) as session:
        return erasure.erase_address(session, caller, wanted.email)


lambda_handler = entrypoint(app)
