"""POST /v1/saml/domains/verify: looks into DNS now."""

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.saml.domain_proof import dns_records, mail_domains
from parley.saml.schemas import SamlDomainRead, SamlDomainWanted

app = api(needs="sso:manage")


@app.post("/v1/saml/domains/verify")
def verify_domain(wanted: SamlDomainWanted, caller: AuthenticatedCaller) -> SamlDomainRead:
    with transaction(caller) as session:
        claim = mail_domains.to_look_up(session, wanted.domain)
    look = dns_records.look_up(claim.domain, claim.token)  # no lock is held meanwhile
    with transaction(caller) as session:
        row = mail_domains.settle(session, caller, claim, look)
    return mail_domains.answer(row, look)


lambda_handler = entrypoint(app)
