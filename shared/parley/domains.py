"""The list of domains. Each declares in its `declared` module what others read of it: what it audits, announces, names in the directory.

This module knows names and imports nothing: whoever stands below the domains may ask it. What a function announces or audits it imports
from its own domain's `declared`; who needs those of all (`identity.roles.scopes`, `webhooks.event_catalogue`) gathers, once in a process.
"""

from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import TypeVar

DOMAINS = ("identity", "saml", "scim", "storage", "scheduling", "inbox", "webhooks", "recordings", "rooms")
"""A new domain adds itself here."""

_OF_THE_KERNEL = "parley.kernel.audit.audit_actions"

Declared = TypeVar("Declared")


def gather(sort: type[Declared]) -> list[Declared]:
    """All that is declared of a sort (`AuditAction`, `EventName`), domain by domain, as it stands there."""
    return [
        value
        for name in (_OF_THE_KERNEL, *(f"parley.{domain}.declared" for domain in DOMAINS))
        for value in _values(import_module(name))
        if isinstance(value, sort)
    ]


def _values(module: ModuleType) -> Iterator[object]:
    """The constants of a module, of the classes that it defines, and of its tuples."""
    for value in vars(module).values():
        if isinstance(value, type) and value.__module__ == module.__name__:
            yield from vars(value).values()
        elif isinstance(value, tuple):
            yield from value
        else:
            yield value
