"""POST /v1/auth/switch"""

from parley.identity.log_in.schemas import Switch
from parley.identity.self_service import own_account
from parley.identity.sessions.token_response import TokensRead, issue_tokens
from parley.kernel.edge.http import Access, AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import personal

app = api(needs=Access.PERSON)


@app.post("/v1/auth/switch")
def switch_organization(wanted: Switch, caller: AuthenticatedCaller) -> TokensRead:
    with personal(caller) as session:
        started = own_account.switch_organization(session, caller, wanted.organization_id)
    return issue_tokens(started)


lambda_handler = entrypoint(app)
