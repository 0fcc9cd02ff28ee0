"""GET /v1/scheduling/managed-bookings/{token}"""

from parley.kernel.edge.http import Access, Visitor, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.bookings import invitee_access
from parley.scheduling.bookings.schemas import ManagedBookingRead

app = api(needs=Access.ANYBODY)


@app.get("/v1/scheduling/managed-bookings/<token>")
def get_managed_booking(token: str, visitor: Visitor) -> ManagedBookingRead:
    key = invitee_access.key_of(token)
    with transaction(visitor.acting_for(key.organization_id)) as session:
        return invitee_access.managed_booking(session, key)


lambda_handler = entrypoint(app)
