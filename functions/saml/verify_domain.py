"""POST /v1/saml/domains/verify: looks into DNS now."""

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.saml import dns_records, domains
from parley.saml.schemas import SamlDomainRead, SamlDomainWanted

app = api(needs="sso:manage")


@app.post("/v1/saml/domains/verify")
def verify_domain(wanted: SamlDomainWanted, caller: AuthenticatedCaller) -> SamlDomainRead:
    with transaction(caller) as session:
        claim = domains.to_look_up(session, caller, wanted.domain)
    look = dns_records.look(claim.domain, claim.token)  # no lock is held meanwhile
    with transaction(caller) as session:
        row = domains.settle(session, caller, claim, look)
    return domains.answer(row, look)


lambda_handler = entrypoint(app)
