"""GET /v1/inbox/conversations/{conversation_id}/messages"""

from uuid import UUID

from parley.inbox import service
from parley.inbox.schemas import MessageRead
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.pagination import Cursor, Limit, Page
from parley.kernel.persistence.transactions import transaction

app = api(needs="messages:read")


@app.get("/v1/inbox/conversations/<conversation_id>/messages")
def list_messages(conversation_id: UUID, caller: AuthenticatedCaller, limit: Limit = 50, cursor: Cursor | None = None) -> Page[MessageRead]:
    with transaction(caller) as session:
        return service.messages(session, conversation_id, limit=limit, cursor=cursor)


lambda_handler = entrypoint(app)
