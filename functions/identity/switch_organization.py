"""POST /v1/auth/switch"""

from parley.identity import oneself
from parley.identity.answers import TokensRead, tokens_of
from parley.identity.log_in_schemas import Switch
from parley.kernel.db import personal
from parley.kernel.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.post("/v1/auth/switch")
def switch_organization(wanted: Switch, caller: AuthenticatedCaller) -> TokensRead:
    with personal(caller) as session:
        started = oneself.switch(session, caller, wanted.organization_id)
    return tokens_of(started)


lambda_handler = entrypoint(app)
