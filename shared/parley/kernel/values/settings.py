"""What the environment says. Every name is listed in `.env.example`."""

import os


def setting(name: str, default: str | None = None) -> str:
    """The value of a setting. Raises `LookupError` that names it, when it is absent and has no default."""
    value = os.environ.get(name) or default
    if value is None:
        raise LookupError(f"The setting {name} is missing: see .env.example.")
    return value


def is_set(name: str) -> bool:
    """Whether a setting is there and not empty."""
    return bool(os.environ.get(name))
