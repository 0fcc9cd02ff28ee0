"""What every request is looked at for before a route sees it, whatever the route. Knows nothing of Powertools."""

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Any

from parley.kernel.values.errors import BadRequest, TooLarge, Unprocessable, UnsupportedMediaType
from parley.kernel.values.fields import is_storable


class MalformedJson(BadRequest):
    """The body is not JSON."""


class MalformedRequest(BadRequest):
    """The request line, a parameter or a header can't be read."""


class InvalidRequest(Unprocessable):
    """The request was read, and its values don't fit."""


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def read_json(text: str | None) -> Any:
    """The object in a JSON body; None without one, or for null. Raises `MalformedJson`, `InvalidRequest`."""
    if not text:
        return None
    try:
        value = json.loads(text, parse_constant=_no_constant)
        if "\\u" in text and not all(is_storable(string) for string in _texts(value)):
            raise InvalidRequest("The body holds a NUL or a lone surrogate (\\u0000, \\ud800 to \\udfff); leave them out.")
    except RecursionError:
        raise MalformedJson("The body is nested too deeply.") from None
    except json.JSONDecodeError as error:
        raise MalformedJson(f"The body is not JSON: it can't be read from line {error.lineno}, column {error.colno} on.") from None
    except ValueError:
        raise MalformedJson("The body holds NaN, Infinity, or a number of more than 4,300 digits.") from None
    if value is not None and not isinstance(value, dict):  # Powertools would take the first item of a list for the body
        errors = [{"loc": ["body"], "type": "dict_type", "msg": "must be an object"}]
        raise InvalidRequest("The body must be a JSON object.", errors=errors)
    return value


def check_request(event: dict[str, Any], accepts: tuple[str, ...], most_bytes: int) -> None:
    """Refuse what no route takes, and leave a body of text as text. Raises a refusal."""
    # API Gateway writes names of headers in lower case; `sam local start-api` leaves them as they came.
    event["headers"] = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    for values in (event.get("pathParameters"), event.get("queryStringParameters")):
        if not all(is_storable(string) for string in _texts(values or {})):
            raise MalformedRequest("A parameter holds a NUL or is not UTF-8.")
    if not accepts:
        return
    body, headers = event.get("body") or "", event["headers"]
    if len(body) > most_bytes * 4 / 3:
        raise TooLarge(f"The body has more than {most_bytes} bytes.")
    media_type = headers.get("content-type", accepts[0]).partition(";")[0].strip().lower()
    if media_type not in accepts:
        if body:
            raise UnsupportedMediaType(f"Send {' or '.join(accepts)}.")
        media_type = accepts[0]  # no body has no type
    headers["content-type"] = media_type  # Powertools knows it in small letters alone
    if event.get("isBase64Encoded"):
        try:
            event["body"] = base64.b64decode(body).decode()
        except ValueError:
            raise MalformedRequest("The body is not UTF-8.") from None
        event["isBase64Encoded"] = False
    if len((event.get("body") or "").encode(errors="surrogatepass")) > most_bytes:
        raise TooLarge(f"The body has more than {most_bytes} bytes.")


def as_get(event: dict[str, Any]) -> bool:
    """Whether the request is a HEAD, which is then a GET to whatever reads it: the same answer, without its body (RFC 9110, 9.3.2)."""
    http: dict[str, Any] = event.get("requestContext", {}).get("http", {})
    if http.get("method") != "HEAD":
        return False
    http["method"] = "GET"
    event["routeKey"] = f"GET {event.get('routeKey', '').removeprefix('HEAD ')}"
    return True


def raw_body(event: dict[str, Any]) -> bytes:
    """The body as it was sent. Raises `ValueError` when it is said to be base64, and is not."""
    body = (event.get("body") or "").encode("utf-8", "surrogatepass")
    return binascii.a2b_base64(body) if event.get("isBase64Encoded") else body
