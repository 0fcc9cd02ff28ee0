"""GET /health"""

from parley.kernel.db import lookup
from parley.kernel.http import Access, api, entrypoint
from parley.kernel.texts import Shown

app = api(needs=Access.ANYBODY)


class Health(Shown):
    status: str


@app.get("/health", operation_id="health")
def get_health() -> Health:
    """Answers when the database does; 503 otherwise."""
    lookup("SELECT 1")
    return Health(status="ok")


lambda_handler = entrypoint(app)
