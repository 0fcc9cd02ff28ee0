"""How the database is reached: verified TLS, a password or an IAM token. Knows nothing of SQLAlchemy."""

import ssl
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from parley.kernel.values.settings import setting

_ANSWER_SECONDS = 25


def connect_arguments(url: str) -> dict[str, Any]:
    """pg8000's arguments for a `postgresql://` URL. TLS is verified wherever the server is not on this machine."""
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    arguments: dict[str, Any] = {
        "user": unquote(parts.username or "parley_app"),
        "database": parts.path.lstrip("/") or "parley",
        "timeout": _ANSWER_SECONDS,
        "application_name": setting("AWS_LAMBDA_FUNCTION_NAME", "parley"),
    }
    if "unix_sock" in query:
        return arguments | {"unix_sock": query["unix_sock"], "password": unquote(parts.password or "")}
    arguments |= {"host": parts.hostname or "127.0.0.1", "port": parts.port or 5432}
    if arguments["host"] not in ("127.0.0.1", "localhost", "::1"):
        arguments["ssl_context"] = ssl.create_default_context(cafile=setting("DATABASE_CA_BUNDLE", "") or None)
    if setting("DATABASE_IAM", "") == "true":
        from parley.kernel.aws import aws_requests

        arguments["password"] = aws_requests.database_token(arguments["host"], arguments["port"], arguments["user"])
    else:
        arguments["password"] = unquote(parts.password or "")
    return arguments
