"""GET /v1/auth/providers"""

from parley.identity.providers.provider_list import ProvidersRead, offered_providers
from parley.kernel.edge.http import Access, api, entrypoint

app = api(needs=Access.ANYBODY, unlimited_because="It is a constant, and asks nothing.")


@app.get("/v1/auth/providers")
def list_providers() -> ProvidersRead:
    return offered_providers()


lambda_handler = entrypoint(app)
