"""Gives an operation to the adapter of its account's provider.

An adapter is a module of this package with a function for each operation that it knows, named like it: `discover`, `free_busy`, `changes`,
`write_event`, `delete_event`, `exchange_code`, `refresh_tokens`, `watch`, `stop_watching`. Each takes (account, operation, deadline), and
returns the answer or raises `InTrouble`.
"""

import logging
from collections.abc import Callable
from importlib import import_module
from typing import Any

from parley.calendars.protocol import Account, Answer, CalDavAccount, IcsAccount, InTrouble, Provider, Reply, Request, TroubleCode
from parley.calendars.wire import Deadline

log = logging.getLogger(__name__)
_OAUTH = {Provider.GOOGLE: "google", Provider.MICROSOFT: "microsoft"}


def answer(request: Request) -> Reply:
    """Whatever an adapter meets is a trouble with a name; its own mistakes are `unavailable`, and logged."""
    try:
        asked = _function(request)
        return Reply(answer=asked(request.account, request.wanted, Deadline(request.seconds)))
    except InTrouble as met:
        return Reply(trouble=met.trouble)
    except Exception:
        # Its text may hold something of somebody's calendar; the trace says where.
        log.exception("an adapter failed", extra={"operation": request.wanted.operation, "provider": request.account.provider.value})
        return Reply(trouble=InTrouble(TroubleCode.UNAVAILABLE, "The calendar's server sent something that we do not understand.").trouble)


def _function(request: Request) -> Callable[[Account, Any, Deadline], Answer]:
    adapter = import_module(f"parley.calendars.{_adapter(request.account)}")
    found: Callable[[Account, Any, Deadline], Answer] | None = getattr(adapter, request.wanted.operation.lower(), None)
    if found is None:
        raise InTrouble(TroubleCode.REFUSED, "This kind of calendar can't do that.")
    return found


def _adapter(account: Account) -> str:
    if isinstance(account, CalDavAccount):
        return "caldav"
    if isinstance(account, IcsAccount):
        return "ics"
    return _OAUTH[account.provider]
