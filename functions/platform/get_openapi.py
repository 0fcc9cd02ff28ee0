"""GET /openapi.json"""

from aws_lambda_powertools.event_handler import Response

from parley.kernel.edge import openapi_document
from parley.kernel.edge.http import Access, api, entrypoint

app = api(needs=Access.ANYBODY, unlimited_because="It is a constant, and asks nothing.")


@app.get("/openapi.json", include_in_schema=False)
def get_openapi() -> Response[str]:
    return Response(200, "application/json", openapi_document.text())


lambda_handler = entrypoint(app)
