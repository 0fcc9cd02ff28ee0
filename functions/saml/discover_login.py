"""POST /v1/saml/discover: where people with an address of this domain log in. It says nothing of the address itself."""

from parley.identity.declared import IdentityDirectory
from parley.kernel.edge.http import Access, Visitor, api, entrypoint
from parley.kernel.persistence import directory
from parley.saml.domain_proof import mail_domains
from parley.saml.saml_messages import saml_endpoints
from parley.saml.schemas import SamlDiscoveryRead, SamlDiscoveryWanted

app = api(needs=Access.ANYBODY)


@app.post("/v1/saml/discover")
def discover_login(wanted: SamlDiscoveryWanted, visitor: Visitor) -> SamlDiscoveryRead:
    organization_id = directory.organization_of(IdentityDirectory.SAML_DOMAIN, mail_domains.of_address(wanted.email))
    return SamlDiscoveryRead(login_url=saml_endpoints.log_in(organization_id) if organization_id else None)


lambda_handler = entrypoint(app)
