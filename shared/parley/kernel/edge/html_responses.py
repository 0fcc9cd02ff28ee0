"""Pages as answers: what a route that shows one declares, and the response that it is."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse
from aws_lambda_powertools.shared.cookies import Cookie


def described(status: int, description: str) -> dict[int, OpenAPIResponse]:
    """What the document says of an answer that is a page."""
    return {status: {"description": description, "content": {"text/html": {"schema": {"type": "string"}}}}}


HTML = described(200, "The page")


class ShownPage(Protocol):
    """A page with its headers: what it may load, and who may frame it. Its kind may be another than HTML: a file to be saved."""

    @property
    def html(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def headers(self) -> dict[str, str]: ...


def page_response(status: int, page: ShownPage, **headers: str) -> Response[str]:
    return Response(status, page.kind, page.html, headers=page.headers | headers)


def html_response(status: int, html: str, headers: Mapping[str, str], cookies: Iterable[Cookie] = ()) -> Response[str]:
    return Response(status, "text/html; charset=utf-8", html, headers=dict(headers), cookies=list(cookies))
