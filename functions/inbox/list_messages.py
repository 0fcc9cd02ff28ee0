"""GET /v1/inbox/conversations/{conversation_id}/messages"""

from uuid import UUID

from parley.inbox import service
from parley.inbox.schemas import MessageRead
from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.paging import Cursor, Limit, Page

app = api(needs="messages:read")


@app.get("/v1/inbox/conversations/<conversation_id>/messages")
def list_messages(conversation_id: UUID, caller: AuthenticatedCaller, limit: Limit = 50, cursor: Cursor | None = None) -> Page[MessageRead]:
    with transaction(caller) as session:
        return service.messages(session, caller, conversation_id, limit=limit, cursor=cursor)


lambda_handler = entrypoint(app)
