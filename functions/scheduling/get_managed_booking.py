"""GET /v1/scheduling/managed-bookings/{token}"""

from parley.kernel.db import transaction
from parley.kernel.http import Access, Visitor, api, entrypoint
from parley.scheduling import managed
from parley.scheduling.schemas import ManagedBookingRead

app = api(needs=Access.ANYBODY)


@app.get("/v1/scheduling/managed-bookings/<token>")
def get_managed_booking(token: str, visitor: Visitor) -> ManagedBookingRead:
    key = managed.key_of(token)
    with transaction(visitor.acting_for(key.organization_id)) as session:
        return managed.managed_booking(session, key)


lambda_handler = entrypoint(app)
