"""The catalogue of scopes, for people and keys alike. A scope is `resource:action`; `resource:*` covers a resource, `*` everything.

A role is a set of scopes, and so is a group that an API key can be made with. A route says in its handler which one it needs.
"""

from collections.abc import Iterable

from parley.domains import gather
from parley.kernel.values.declarations import Scope

_DECLARED = gather(Scope)

CATALOGUE: dict[str, str] = {scope.name: scope.description for scope in _DECLARED}
"""Every scope there is, and what it lets do. Domains declare theirs."""

RANKS = ("VIEWER", "MEMBER", "ADMIN", "OWNER")
_KEY_GROUPS = ("READ_ONLY", "STANDARD", "FULL", "ADMIN")


def _from_least(order: tuple[str, ...], least_by_name: dict[str, str]) -> dict[str, frozenset[str]]:
    """What each of `order` has, when it has all of those before it; the last one has everything, what is to come as well."""
    ranked = {name: order.index(least) for name, least in least_by_name.items()}
    within = {word: frozenset(name for name, rank in ranked.items() if rank <= at) for at, word in enumerate(order)}
    return within | {order[-1]: frozenset({"*"})}


_ROLES = _from_least(RANKS, {scope.name: scope.role for scope in _DECLARED})
SCOPES: dict[str, frozenset[str]] = {role: _ROLES[role] for role in reversed(RANKS)}
"""By the name of the role (`MemberRole`). A member works with connections that an administrator has made."""

GROUPS: dict[str, frozenset[str]] = _from_least(_KEY_GROUPS, {scope.name: scope.key_group for scope in _DECLARED if scope.key_group})
"""What a key can be made with by one word."""

PROJECT_SCOPES = frozenset(scope.name for scope in _DECLARED if scope.key_group)
"""The most that a key of a project may: the rest is about the whole organization."""


def is_scope(word: str) -> bool:
    """Whether it is in the catalogue, `resource:*` of a resource in it, or `*`."""
    return word in CATALOGUE or word == "*" or (word.endswith(":*") and any(scope.startswith(word[:-1]) for scope in CATALOGUE))


def expanded(scopes: Iterable[str]) -> frozenset[str]:
    """The scopes of the catalogue that these cover: no wildcards."""
    covered: set[str] = set()
    for word in scopes:
        covered |= {scope for scope in CATALOGUE if word in {scope, "*"} or (word.endswith(":*") and scope.startswith(word[:-1]))}
    return frozenset(covered)


def is_within(scopes: Iterable[str], bounds: Iterable[str]) -> bool:
    """Whether everything that `scopes` cover is covered by `bounds`. `*` covers more than the catalogue: scopes that are yet to come."""
    wide = frozenset(bounds)
    return all("*" in wide or word in wide or (word != "*" and expanded([word]) <= expanded(wide)) for word in scopes)


def both(scopes: Iterable[str], bounds: Iterable[str]) -> frozenset[str]:
    """What `scopes` and `bounds` both cover. Words of `scopes` stay as they are where `bounds` cover them whole."""
    wide = frozenset(bounds)
    covered: set[str] = set()
    for word in scopes:
        covered |= {word} if is_within([word], wide) else expanded([word]) & expanded(wide)
    return frozenset(covered)


def of_key(permissions: Iterable[str], role: str, *, in_project: bool) -> frozenset[str]:
    """What a key with these permissions may, made by somebody with this role now."""
    granted = both(permissions, SCOPES.get(role, ()))
    return both(granted, PROJECT_SCOPES) if in_project else granted


def ungrouped(words: Iterable[str]) -> list[str]:
    """Scopes, sorted, with groups replaced by theirs: a key does not change when a group does."""
    return sorted(frozenset().union(*(GROUPS.get(word, {word}) for word in words)))
