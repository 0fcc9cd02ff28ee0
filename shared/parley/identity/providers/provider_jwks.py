"""The keys that a provider signs with (RFC 7517), fetched from its address and remembered: public, and the same for every tenant."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from parley.identity.providers.oauth_http import NoProviderAnswer, get_json
from parley.kernel.values.errors import Unavailable

log = logging.getLogger(__name__)

FRESH_SECONDS = 3600
KEPT_SECONDS = 86400
ASK_AGAIN_SECONDS = 60
_MOST_KEYS = 50


class KeysUnavailable(Unavailable):
    """The provider's keys can't be had."""


@dataclass(slots=True)
class _KeySet:
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    fetched_at: float = float("-inf")
    asked_at: float = float("-inf")


_sets: dict[str, _KeySet] = {}
_asking = threading.Lock()


def key(url: str, kid: str, clock: Callable[[], float] = time.monotonic) -> dict[str, Any] | None:
    """The public key of that name, as a JSON Web Key; None when the provider has none.

    An unknown name asks the provider again, at most once a minute: a key that was just changed is found, and invented names cost nothing.
    A provider that does not answer is believed for a day in what it said before. Raises `KeysUnavailable`.
    """
    with _asking:
        key_set = _sets.setdefault(url, _KeySet())
        age = clock() - key_set.fetched_at
        if (kid not in key_set.keys or age > FRESH_SECONDS) and clock() - key_set.asked_at > ASK_AGAIN_SECONDS:
            key_set.asked_at = clock()
            try:
                key_set.keys, key_set.fetched_at = _fetched(url), clock()
                age = 0.0
            except NoProviderAnswer as problem:
                log.warning("the keys of a provider can't be had: %s", problem)
        if age > KEPT_SECONDS:
            raise KeysUnavailable("The provider's keys can't be had right now; try again.")
        return key_set.keys.get(kid)


def _fetched(url: str) -> dict[str, dict[str, Any]]:
    status, answer = get_json(url)
    keys = answer.get("keys") if isinstance(answer, dict) else None
    if status != 200 or not isinstance(keys, list):
        raise NoProviderAnswer(f"status {status}, no key set")
    named = (jwk for jwk in keys[:_MOST_KEYS] if isinstance(jwk, dict) and isinstance(jwk.get("kid"), str))
    return {jwk["kid"]: jwk for jwk in named}
