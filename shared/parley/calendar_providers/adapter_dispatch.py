"""Gives an operation to the adapter of its account's provider.

An adapter is a module of this package with a function for each operation that it knows; its `OPERATIONS` names them. Each takes (account,
operation, deadline), and returns the answer or raises `ProviderError`.
"""

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from parley.calendar_providers.provider_http import Deadline, Operations
from parley.calendar_providers.provider_protocol import (
    Account,
    CalDavAccount,
    IcsAccount,
    ProviderAnswer,
    ProviderError,
    ProviderErrorCode,
    ProviderName,
    ProviderReply,
    ProviderRequest,
)

log = logging.getLogger(__name__)
_AGAIN_SECONDS = 0.25


class _Over(BaseException):
    """The time is over in the midst of something that strangers wrote; no parser takes it for a mistake of its own."""


def answer(request: ProviderRequest) -> ProviderReply:
    """Whatever an adapter meets is a trouble with a name; its own mistakes are `unavailable`, and logged."""
    try:
        operation = _function(request)
        with _bounded(request.seconds):
            return ProviderReply(answer=operation(request.account, request.wanted, Deadline(request.seconds)))
    except _Over:
        return ProviderReply(
            trouble=ProviderError(ProviderErrorCode.TIMED_OUT, "What the calendar's server sent takes too long to read.").trouble
        )
    except ProviderError as met:
        return ProviderReply(trouble=met.trouble)
    except Exception:
        # Its text may hold something of somebody's calendar; the trace says where.
        log.exception("an adapter failed", extra={"operation": request.wanted.operation, "provider": request.account.provider.value})
        return ProviderReply(
            trouble=ProviderError(ProviderErrorCode.UNAVAILABLE, "The calendar's server sent something that we do not understand.").trouble
        )


@contextmanager
def _bounded(seconds: float) -> Iterator[None]:
    """An end to reading as well: a rule of few bytes may recur for hours. In Lambda; another thread than the main one has no signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    is_running = [True]

    def end(_number: int, _frame: object) -> None:
        if is_running:
            raise _Over

    before = signal.signal(signal.SIGALRM, end)
    # Again and again: what is raised while the interpreter tidies up is lost.
    signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_SECONDS)
    try:
        yield
    finally:
        try:
            is_running.clear()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def _function(request: ProviderRequest) -> Callable[[Any, Any, Deadline], ProviderAnswer]:
    operation = _operations(request.account).get(request.wanted.operation)
    if operation is None:
        raise ProviderError(ProviderErrorCode.REFUSED, "This kind of calendar can't do that.")
    return operation


def _operations(account: Account) -> Operations:
    """Of one adapter, which is imported when its kind is asked for: a question is about one."""
    if isinstance(account, CalDavAccount):
        from parley.calendar_providers import caldav

        return caldav.OPERATIONS
    if isinstance(account, IcsAccount):
        from parley.calendar_providers import ics_feed

        return ics_feed.OPERATIONS
    if account.provider is ProviderName.GOOGLE:
        from parley.calendar_providers import google_calendar

        return google_calendar.OPERATIONS
    from parley.calendar_providers import microsoft_calendar

    return microsoft_calendar.OPERATIONS
