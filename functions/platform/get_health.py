"""GET /health"""

from parley.kernel.edge.http import Access, api, entrypoint
from parley.kernel.persistence.transactions import lookup
from parley.kernel.values.fields import ResponseModel

app = api(needs=Access.ANYBODY, unlimited_because="Who watches over the product asks it all the time. It asks the database one word.")


class Health(ResponseModel):
    status: str


@app.get("/health", operation_id="health")
def get_health() -> Health:
    """Answers when the database does; 503 otherwise."""
    lookup("SELECT 1")
    return Health(status="ok")


lambda_handler = entrypoint(app)
