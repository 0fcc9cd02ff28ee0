"""GET /v1/identity/scopes"""

from parley.identity.keys.schemas import CatalogueRead, ScopeRead
from parley.identity.roles.scopes import CATALOGUE, GROUPS, SCOPES
from parley.kernel.edge.http import Access, api, entrypoint

app = api(needs=Access.ANYBODY, unlimited_because="It is a constant, and asks nothing.")


@app.get("/v1/identity/scopes")
def list_scopes() -> CatalogueRead:
    return CatalogueRead(
        scopes=[ScopeRead(name=name, description=description) for name, description in CATALOGUE.items()],
        roles={role: sorted(scopes) for role, scopes in SCOPES.items()},
        groups={group: sorted(scopes) for group, scopes in GROUPS.items()},
    )


lambda_handler = entrypoint(app)
