"""Requests of SCIM as they are sent, in the form that the library reads: what identity providers write in ways of their own.

Nothing that was asked for is dropped without a word: a PATCH of which nothing names an attribute is refused, and so it never succeeds
without having done anything.
"""

from collections.abc import Iterator
from typing import Any

from scim2_models import InvalidPathException, Path

from parley.scim.service_provider_config import EnterpriseUser, ScimGroupModel, ScimUserModel

_NEEDED = ("username", "schemas", "id", "op", "path")
_DEEPEST = 8  # an attribute lies no deeper than an entry of a list in an extension
_EXTENSION = str(EnterpriseUser.__schema__)


def normalized(method: str, path: str, body: Any) -> Any:
    """The body, for a request of a resource. Raises `InvalidPathException`."""
    kind = path.strip("/").partition("/")[0].lower()
    if not isinstance(body, dict) or kind not in ("users", "groups"):
        return body
    if method != "PATCH":
        return _without_blanks(body) if kind == "users" and method in ("POST", "PUT") else body
    operations = next((value for name, value in body.items() if name.lower() == "operations"), None)
    if not isinstance(operations, list) or not all(isinstance(operation, dict) for operation in operations):
        return body
    changed = [part for operation in operations for part in _separated(_lowered(operation))]
    if changed and not any(_names_something(operation, ScimUserModel if kind == "users" else ScimGroupModel) for operation in changed):
        raise InvalidPathException(detail="None of the operations names an attribute that is known here.")
    if kind == "users":
        changed = [part for operation in changed for part in _unblanked(operation)]
    return {name: changed if value is operations else value for name, value in body.items()}


def _lowered(operation: dict[str, Any]) -> dict[str, Any]:
    return {name.lower() if name.lower() in ("op", "path", "value") else name: value for name, value in operation.items()}


def _separated(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A key of a value may be a path, and one with a filter in it selects for itself: it becomes an operation of its own (Entra)."""
    value = operation.get("value")
    if operation.get("path") or not isinstance(value, dict):
        yield operation
        return
    selecting = [name for name in value if "[" in name]
    rest = {name: each for name, each in value.items() if name not in selecting}
    if rest or not selecting:
        yield operation | {"value": rest}
    for name in selecting:
        yield {other: each for other, each in operation.items() if other != "value"} | {"path": name, "value": value[name]}


def _names_something(operation: dict[str, Any], model: Any) -> bool:
    """Whether an operation reaches an attribute. What the library refuses by itself is left to it."""
    path, value = operation.get("path"), operation.get("value")
    if path is not None and not isinstance(path, str):
        return True
    if not isinstance(value, dict) or str(operation.get("op")).lower() == "remove":
        return not path or _is_declared(path, model)
    if not value:
        return True
    if path and not _is_declared(path, model):
        return False
    return any(_reaches(f"{path or ''}{_joint(path, model)}{name}", each, model) for name, each in value.items())


def _reaches(path: str, value: Any, model: Any) -> bool:
    if not _is_declared(path, model):
        return False
    if not isinstance(value, dict) or not value:
        return True
    return any(_reaches(f"{path}{_joint(path, model)}{name}", each, model) for name, each in value.items())


def _joint(path: str | None, model: Any) -> str:
    if not path:
        return ""
    return ":" if path.lower() in (_EXTENSION.lower(), str(model.__schema__).lower()) else "."


def _is_declared(text: str, model: Any) -> bool:
    try:
        path = Path[model](text)
    except (InvalidPathException, ValueError):
        return False
    return path.model is not None or path.resolve() is not None


def _without_blanks(value: Any, depth: int = 0) -> Any:
    """The same without optional texts that are blank: an attribute that a directory has nothing for (RFC 7643, 2.5)."""
    if depth > _DEEPEST:
        return value
    if isinstance(value, dict):
        kept = {name: _without_blanks(each, depth + 1) for name, each in value.items()}
        return {name: each for name, each in kept.items() if name.lower() in _NEEDED or not _is_blank(each, value[name])}
    if isinstance(value, list):
        kept_list = [_without_blanks(each, depth + 1) for each in value]
        return [each for each, before in zip(kept_list, value, strict=True) if not _is_blank(each, before)]
    return value


def _is_blank(value: Any, before: Any) -> bool:
    """A text of nothing but spaces, what held nothing but such texts, or an entry whose value is one."""
    if isinstance(value, str):
        return not value.strip()
    is_emptied = value in ({}, []) and before not in ({}, [])
    return is_emptied or (isinstance(before, dict) and isinstance(before.get("value"), str) and not before["value"].strip())


def _unblanked(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """An operation that sets something to a blank takes it away."""
    op, path, value = str(operation.get("op")).lower(), operation.get("path"), operation.get("value")
    is_set = op in ("add", "replace") and (path is None or isinstance(path, str))
    if is_set and isinstance(value, dict):
        without = _without_blanks(value)
        if without or not value:
            yield operation | {"value": without}
        start = f"{path or ''}{_joint(path, ScimUserModel)}"
        yield from ({"op": "remove", "path": f"{start}{name}"} for name in value.keys() - without.keys())
    elif is_set and isinstance(value, list):
        yield operation | {"value": _without_blanks(value)}
    elif is_set and path and _is_blank(value, value) and path.lower().rpartition(":")[2] not in _NEEDED:
        yield {"op": "remove", "path": path}
    else:
        yield operation
