"""GET /v1/inbox/conversations"""

from uuid import UUID

from parley.inbox import service
from parley.inbox.models import ConversationStatus
from parley.inbox.schemas import ConversationRead
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.pagination import Cursor, Limit, Page
from parley.kernel.persistence.transactions import transaction

app = api(needs="conversations:read")


@app.get("/v1/inbox/conversations")
def list_conversations(
    caller: AuthenticatedCaller,
    status: ConversationStatus | None = None,
    connection_id: UUID | None = None,
    unread: bool | None = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Page[ConversationRead]:
    with transaction(caller) as session:
        return service.conversations(session, status=status, connection_id=connection_id, is_unread=unread, limit=limit, cursor=cursor)


lambda_handler = entrypoint(app)
