"""POST /v1/scheduling/invitees/erase"""

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.privacy import invitee_erasure
from parley.scheduling.privacy.schemas import AddressErasure, ErasureRead

app = api(needs="invitees:erase")


@app.post("/v1/scheduling/invitees/erase")
def erase_address(wanted: AddressErasure, caller: AuthenticatedCaller) -> ErasureRead:
    with transaction(caller) as session:
        return invitee_erasure.erase_address(session, caller, wanted.email)


lambda_handler = entrypoint(app)
