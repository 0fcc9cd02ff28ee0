"""GET /docs: the OpenAPI document as a page to read and try."""

from functools import cache
from pathlib import Path

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi import swagger_ui

from parley.kernel.edge import openapi_document
from parley.kernel.edge.http import Access, api, entrypoint

app = api(needs=Access.ANYBODY, unlimited_because="It is a constant, and asks nothing.")
ASSETS = Path(swagger_ui.__file__).parent
# The page carries its script and style in itself, and may load nothing else.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; frame-ancestors 'none'"
)


@cache
def page() -> str:
    script, style = (ASSETS / "swagger-ui-bundle.min.js").read_text(), (ASSETS / "swagger-ui.min.css").read_text()
    # An end tag inside the document would end the script that it stands in.
    spec = openapi_document.text().replace("</", "<\\/")
    made = swagger_ui.generate_swagger_html(spec, script, style, "", None, persist_authorization=True)
    made = made.replace("<html>", '<html lang="en">', 1).replace("<title>Swagger UI</title>", "<title>Parley API</title>")
    return made.replace('currentUrl.pathname + "?format=json"', '"/openapi.json"')


@app.get("/docs", include_in_schema=False)
def get_documentation() -> Response[str]:
    return Response(200, "text/html; charset=utf-8", page(), headers={"content-security-policy": POLICY})


lambda_handler = entrypoint(app)
