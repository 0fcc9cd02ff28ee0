"""GET /v1/inbox/conversations/{conversation_id}"""

from uuid import UUID

from parley.inbox import service
from parley.inbox.schemas import ConversationRead
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="conversations:read")


@app.get("/v1/inbox/conversations/<conversation_id>")
def get_conversation(conversation_id: UUID, caller: AuthenticatedCaller) -> ConversationRead:
    with transaction(caller) as session:
        return ConversationRead.model_validate(service.conversation(session, conversation_id))


lambda_handler = entrypoint(app)
