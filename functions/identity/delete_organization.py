"""DELETE /v1/identity/organization"""

from parley.identity.organizations import organization_lifecycle
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="organization:delete")


@app.delete("/v1/identity/organization", status_code=204)
def delete_organization(caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        organization_lifecycle.delete(session, caller)


lambda_handler = entrypoint(app)
