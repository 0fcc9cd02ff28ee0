"""What is wrong with a value, in our words: what it must be, after the name of the field. The validator's own texts stay here.

What our own validators say (`value_error`, `pattern_hint`) is said already.
"""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from parley.kernel.edge.request_parsing import InvalidRequest

_NAMED, _LONGEST_NAME = 10, 60
_INSTANT = "must be an RFC 3339 instant, like 2026-12-01T09:00:00Z or 2026-12-01T10:00:00+01:00"
_DAY = "must be a day, like 2026-12-01"
_TIME = "must be a time of day, like 09:30"
_DURATION = "must be a duration of ISO 8601, like PT30M"
_ADDRESS = "must be a whole address, like https://example.com/path"
_ID = "must be an id, like 01939f3e-7c1a-7cc0-8a5b-3f0d6b6c2d11"
_WHOLE, _NUMBER, _FLAG = "must be a whole number", "must be a number", "must be true or false"
_TEXT, _LIST, _OBJECT = "must be a text", "must be a list", "must be an object"
_OTHERWISE = "is not what this field takes; the reference says what does"

SENTENCES: dict[str, str] = {
    "missing": "is needed",
    "extra_forbidden": "is no field of this request; leave it out, or look how it is spelled",
    "none_required": "must be null, or left out",
    "string_type": _TEXT,
    "string_sub_type": _TEXT,
    "string_unicode": "must be a text in UTF-8",
    "string_too_short": "must have {min_length} characters at least",
    "string_too_long": "must have {max_length} characters at most",
    "string_pattern_mismatch": "does not have the form that it needs; the reference says which",
    "string_not_ascii": "must have characters of ASCII alone",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": "must be a smaller whole number",
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": "must be a finite number",
    "decimal_type": _NUMBER,
    "decimal_parsing": _NUMBER,
    "decimal_max_digits": "must have {max_digits} digits at most",
    "decimal_max_places": "must have {decimal_places} digits after the point at most",
    "decimal_whole_digits": "must have {whole_digits} digits before the point at most",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} or less",
    "multiple_of": "must be a multiple of {multiple_of}",
    "bool_type": _FLAG,
    "bool_parsing": _FLAG,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "iterable_type": _LIST,
    "set_item_not_hashable": "must be a list of texts or numbers",
    "too_short": "must have {min_length} items at least",
    "too_long": "must have {max_length} items at most",
    "dict_type": _OBJECT,
    "mapping_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "dataclass_type": _OBJECT,
    "invalid_key": "has a name that is no text",
    "enum": "must be one of {expected}",
    "literal_error": "must be one of {expected}",
    "union_tag_invalid": "must have in {discriminator} one of {expected_tags}",
    "union_tag_not_found": "must say its {discriminator}",
    "uuid_type": _ID,
    "uuid_parsing": _ID,
    "uuid_version": _ID,
    "date_type": _DAY,
    "date_parsing": _DAY,
    "date_from_datetime_parsing": _DAY,
    "date_from_datetime_inexact": _DAY,
    "date_past": "must be a day in the past",
    "date_future": "must be a day in the future",
    "time_type": _TIME,
    "time_parsing": _TIME,
    "datetime_type": _INSTANT,
    "datetime_parsing": _INSTANT,
    "datetime_object_invalid": _INSTANT,
    "datetime_from_date_parsing": _INSTANT,
    "datetime_past": "must be an instant in the past",
    "datetime_future": "must be an instant in the future",
    "timezone_naive": "must be without a time zone",
    "timezone_aware": _INSTANT,
    "timezone_offset": _INSTANT,
    "time_delta_type": _DURATION,
    "time_delta_parsing": _DURATION,
    "url_type": _ADDRESS,
    "url_parsing": _ADDRESS,
    "url_syntax_violation": _ADDRESS,
    "url_scheme": "must be an address that begins with {expected_schemes}",
    "url_too_long": "must have {max_length} characters at most",
    "bytes_type": _TEXT,
    "bytes_too_short": "must have {min_length} bytes at least",
    "bytes_too_long": "must have {max_length} bytes at most",
    "bytes_invalid_encoding": "must be in base64",
    "is_instance_of": _OTHERWISE,
    "json_invalid": "must be JSON",
    "json_type": "must be JSON",
}
"""By the validator's type of error. `{…}` is what the rule says, never what came."""
_ONE = {
    "string_too_short": "must not be empty",
    "too_short": "must have an item at least",
    "too_long": "must have one item at most",
    "string_too_long": "must have one character at most",
}
_LENGTHS = {"too_short": "string_too_short", "too_long": "string_too_long"}
_STEPS = ("constrained-", "function-", "nullable")
OURS = ("value_error", "assertion_error")


def sentence(error: Mapping[str, Any]) -> str:
    """What an error of the validator says to a client."""
    kind, rule = error["type"], error.get("ctx") or {}
    if kind in OURS:
        return str(error.get("msg", _OTHERWISE)).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if kind == "string_pattern_mismatch" and "pattern" not in rule:  # `pattern_hint`
        return str(error["msg"])
    if kind in _LENGTHS and rule.get("field_type") == "Value":  # no list: a text whose length is looked at last
        kind = _LENGTHS[kind]
    if kind in _ONE and rule.get("min_length", rule.get("max_length")) == 1:
        return _ONE[kind]
    try:
        return SENTENCES.get(kind, _OTHERWISE).format_map(rule)
    except KeyError:
        return _OTHERWISE


def shown(error: Mapping[str, Any]) -> dict[str, Any]:
    """An error as the problem document lists it: where, the type that programs switch on, and our sentence."""
    return {"loc": _location(error["loc"]), "type": error["type"], "msg": sentence(error)}


def _location(parts: Iterable[str | int]) -> list[str | int]:
    """Without the validator's names for its own steps (`function-after[…]`, `constrained-str`), which no client wrote."""
    return [part for part in parts if isinstance(part, int) or not ("[" in part or part.startswith(_STEPS))]


def unknown_parameters(sent: Collection[str], takes: Collection[str]) -> InvalidRequest:
    """The refusal of those that the route does not take, each with the nearest that it does."""
    unknown = sorted(set(sent) - set(takes))[:_NAMED]
    errors = [{"loc": ["query", name[:_LONGEST_NAME]], "type": "extra_forbidden", "msg": _instead(name, takes)} for name in unknown]
    return InvalidRequest(f"The query parameter {unknown[0][:_LONGEST_NAME]} {errors[0]['msg']}", errors=errors)


def _instead(name: str, takes: Collection[str]) -> str:
    near = get_close_matches(name[:_LONGEST_NAME].lower(), takes, n=1, cutoff=0.5)
    if near:
        return f"is not one of this route; did you mean {near[0]}?"
    if takes:
        return f"is not one of this route, which takes {', '.join(sorted(takes))}."
    return "is not one of this route, which takes none."
