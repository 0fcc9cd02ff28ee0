"""GET /embed.js: the script that puts pages on which people book into others' pages."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from parley.kernel.edge.http import Access, api, entrypoint
from parley.scheduling.pages import booking_page

app = api(needs=Access.ANYBODY, unlimited_because="It is a constant, and asks nothing.")
SCRIPT: dict[int, OpenAPIResponse] = {200: {"description": "The script", "content": {"text/javascript": {"schema": {"type": "string"}}}}}


@app.get("/embed.js", operation_id="show_embed_script", responses=SCRIPT)
def get_embed_script() -> Response[str]:
    return Response(200, "text/javascript; charset=utf-8", booking_page.embed_script(), headers=booking_page.EMBEDDED)


lambda_handler = entrypoint(app)
