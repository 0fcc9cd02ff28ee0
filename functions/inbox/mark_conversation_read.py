"""POST /v1/inbox/conversations/{conversation_id}/read"""

from uuid import UUID

from parley.inbox import service
from parley.inbox.schemas import ConversationRead
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="conversations:write")


@app.post("/v1/inbox/conversations/<conversation_id>/read")
def mark_conversation_read(conversation_id: UUID, caller: AuthenticatedCaller) -> ConversationRead:
    with transaction(caller) as session:
        return ConversationRead.model_validate(service.mark_read(session, caller, conversation_id))


lambda_handler = entrypoint(app)
