"""Making what platforms send storable, and nothing else of it different."""

from typing import Any

from parley.kernel.values.fields import storable

_DEEPEST = 60
_MOST_DIGITS = 4000


class NestingTooDeep(ValueError):
    """Nested deeper than anything that a platform means."""


def clean_text(text: str) -> str:
    """The text without NUL and lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return storable(text)
    return text if "\0" not in text else storable(text)


def clean(value: Any, deepest: int = _DEEPEST) -> Any:
    """A JSON value that a jsonb column holds. Raises `TooDeep`."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, (dict, list)) and not deepest:
        raise NestingTooDeep("The value is nested too deeply.")
    if isinstance(value, list):
        return [clean(item, deepest - 1) for item in value]
    if isinstance(value, dict):
        return {clean_text(key): clean(item, deepest - 1) for key, item in value.items()}
    return value


def bounded_number(text: str) -> float | str:
    """A JSON number with a fraction or exponent; one that a float can't hold stays text."""
    value = float(text)
    return value if value - value == 0 else text


def bounded_integer(text: str) -> int | str:
    """A JSON number without fraction; one that Python refuses to read stays text."""
    return int(text) if len(text) <= _MOST_DIGITS else text


def no_constant(name: str) -> Any:
    """For `json.loads`: NaN and Infinity are not JSON."""
    raise ValueError(f"{name} is not JSON")
