"""GET /v1/auth/providers"""

from parley.identity.providers.offered import ProvidersRead, offered
from parley.kernel.http import Access, api, entrypoint

app = api(needs=Access.ANYBODY)


@app.get("/v1/auth/providers")
def list_providers() -> ProvidersRead:
    return offered()


lambda_handler = entrypoint(app)
