from __future__ import annotations

import base64
from typing import Any

import pytest

from local import http_api
from local.http_api import NotAnAnswer, Request, response


def event(request: Request, **parameters: str) -> dict[str, Any]:
    return http_api.event(request, "POST /x/{id}", parameters, "id-1")


def test_the_event_of_the_documentation() -> None:
    """The example of "Working with AWS Lambda proxy integrations for HTTP APIs", payload format 2.0."""
    request = Request(
        "POST",
        "/my/path?parameter1=value1&parameter1=value2&parameter2=value",
        (
            ("Header1", "value1"),
            ("HEADER2", "value1"),
            ("header2", "value2"),
            ("Cookie", "cookie1; cookie2"),
            ("content-type", "text/plain"),
        ),
        b"Hello from client!",
        "192.0.2.1",
    )
    made = event(request, id="one")
    assert made["version"] == "2.0"
    assert made["rawPath"] == "/my/path"
    assert made["rawQueryString"] == "parameter1=value1&parameter1=value2&parameter2=value"
    assert made["cookies"] == ["cookie1", "cookie2"]
    assert made["headers"] == {"header1": "value1", "header2": "value1,value2", "content-type": "text/plain"}
    assert made["queryStringParameters"] == {"parameter1": "value1,value2", "parameter2": "value"}
    assert made["pathParameters"] == {"id": "one"}
    assert (made["body"], made["isBase64Encoded"]) == ("Hello from client!", False)
    assert made["requestContext"]["http"] | {"userAgent": ""} == {
        "method": "POST",
        "path": "/my/path",
        "protocol": "HTTP/1.1",
        "sourceIp": "192.0.2.1",
        "userAgent": "",
    }


def test_what_is_not_there_is_left_out() -> None:
    made = event(Request("GET", "/"))
    assert not {"cookies", "queryStringParameters", "pathParameters", "body"} & made.keys()


@pytest.mark.parametrize(
    ("kind", "body", "encoded"),
    [
        ("application/json; charset=utf-8", "ä".encode(), False),
        ("application/problem+json", b"{}", False),
        ("text/html", b"<p>", False),
        ("application/x-www-form-urlencoded", b"a=1", True),
        ("application/octet-stream", b"abc", True),
        ("application/json", b"\xff\xfe", True),
        (None, b"abc", True),
    ],
)
def test_a_body_that_is_no_text_comes_in_base64(kind: str | None, body: bytes, encoded: bool) -> None:
    made = event(Request("POST", "/", (("content-type", kind),) if kind else (), body))
    assert made["isBase64Encoded"] is encoded
    assert (base64.b64decode(made["body"]) if encoded else made["body"].encode()) == body


def test_the_path_comes_decoded() -> None:
    assert event(Request("GET", "/a%20b/%C3%A4?q=%20"))["rawPath"] == "/a b/ä"


def test_the_short_form_of_an_answer() -> None:
    made = response({"message": "hello"})
    assert (made.status, made.header("content-type"), made.json()) == (200, "application/json", {"message": "hello"})
    assert response("hello").body == b"hello"
    assert response(None).body == b"null"


def test_the_full_form_of_an_answer() -> None:
    made = response({"statusCode": 201, "headers": {"X-Is": True}, "cookies": ["a=1", "b=2"], "body": "aGk=", "isBase64Encoded": True})
    assert (made.status, made.body, made.header("x-is")) == (201, b"hi", "true")
    assert [value for key, value in made.headers if key == "set-cookie"] == ["a=1", "b=2"]
    assert response({"statusCode": "204"}).status == 204
    assert response({"statusCode": 200, "headers": {"Content-Type": "a/b", "content-type": "c/d"}}).headers == (("content-type", "c/d"),)


@pytest.mark.parametrize(
    "answer",
    [
        {"statusCode": "many"},
        {"statusCode": 700},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "headers": {"x": "a\r\nset-cookie: b"}},
        {"statusCode": 200, "headers": {"x y": "a"}},
        {"statusCode": 200, "body": "!", "isBase64Encoded": True},
    ],
)
def test_an_answer_that_can_not_become_a_response(answer: dict[str, Any]) -> None:
    with pytest.raises(NotAnAnswer):
        response(answer)
