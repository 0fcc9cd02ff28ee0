"""POST /v1/saml/discover: where people with an address of this domain log in. It says nothing of the address itself."""

from parley.kernel import directory
from parley.kernel.http import Access, Visitor, api, entrypoint
from parley.saml import addresses, domains
from parley.saml.schemas import SamlDiscoveryRead, SamlDiscoveryWanted

app = api(needs=Access.ANYBODY)


@app.post("/v1/saml/discover")
def discover_login(wanted: SamlDiscoveryWanted, visitor: Visitor) -> SamlDiscoveryRead:
    organization_id = directory.organization_of(directory.Kind.SAML_DOMAIN, domains.of_address(wanted.email))
    return SamlDiscoveryRead(login_url=addresses.log_in(organization_id) if organization_id else None)


lambda_handler = entrypoint(app)
