"""GET /saml/{organization_id}/metadata: what an identity provider has to know of us."""

from uuid import UUID

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from parley.kernel.edge.http import Access, Visitor, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.saml import queries
from parley.saml.models import NameIdFormat
from parley.saml.queries import NoSuchLogin
from parley.saml.saml_messages import sp_documents

app = api(needs=Access.ANYBODY)
XML: dict[int, OpenAPIResponse] = {
    200: {"description": "SAML metadata", "content": {sp_documents.METADATA_TYPE: {"schema": {"type": "string"}}}}
}


@app.get("/saml/<organization_id>/metadata", responses=XML)
def get_metadata(organization_id: UUID, visitor: Visitor) -> Response[str]:
    with transaction(visitor.acting_for(organization_id)) as session:
        row = queries.organization_and_connection(session)
    if row is None:
        raise NoSuchLogin("There is no such organization.")
    connection = row[1]
    certificate = connection.signing_certificate if connection else None
    name_id_format = connection.name_id_format if connection else NameIdFormat.EMAIL_ADDRESS
    return Response(200, sp_documents.METADATA_TYPE, sp_documents.metadata(organization_id, certificate, name_id_format.value))


lambda_handler = entrypoint(app)
