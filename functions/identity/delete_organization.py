"""DELETE /v1/identity/organization"""

from parley.identity import organizations
from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint

app = api(needs="organization:delete")


@app.delete("/v1/identity/organization", status_code=204)
def delete_organization(caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        organizations.delete(session, caller)


lambda_handler = entrypoint(app)
