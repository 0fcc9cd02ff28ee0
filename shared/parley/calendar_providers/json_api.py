"""JSON over HTTP with an access token, for providers that speak so; and places in a calendar's history that are ours to read."""

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from parley.calendar_providers.provider_http import Deadline, send
from parley.calendar_providers.provider_protocol import FreeBusyResult, ProviderBusyTime, ProviderError, ProviderErrorCode
from parley.kernel.outbound.http_client import ClientResponse

_AT_ONCE = 8
_NOT_UNDERSTOOD = "The calendar's provider sent something that we do not understand."
Model = TypeVar("Model", bound="ProviderModel")


class ProviderModel(BaseModel):
    """What a provider says; the rest of it is nobody's business."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    @classmethod
    def of(cls, answer: ClientResponse) -> Self:
        """Raises `ProviderError` for what can't be read."""
        try:
            return cls.model_validate_json(answer.body)
        except (ValidationError, RecursionError):
            raise ProviderError(ProviderErrorCode.UNAVAILABLE, _NOT_UNDERSTOOD) from None


class ProviderEvent(ProviderModel):
    """An event; one that can't be read keeps no other from being read, and what was known of it counts (not `is_known`).

    One without an id is no such: nobody knows whose known times it would end.
    """

    id: str
    is_known: bool = True

    @classmethod
    def each(cls, items: Sequence[Any]) -> Iterator[Self]:
        for item in items:
            try:
                yield cls.model_validate(item)
            except (ValidationError, RecursionError):
                name = item.get("id") if isinstance(item, dict) else None
                if not isinstance(name, str) or not name:
                    raise ProviderError(ProviderErrorCode.UNAVAILABLE, _NOT_UNDERSTOOD) from None
                yield cls(id=name, is_known=False)


def ask(
    method: str, url: str, access_token: str, deadline: Deadline, wanted: Any = None, headers: dict[str, str] | None = None
) -> ClientResponse:
    """One request, with `wanted` as JSON. Any status is an answer. Raises `ProviderError`."""
    if not access_token.isascii() or not access_token.isprintable():
        raise ProviderError(ProviderErrorCode.UNAUTHORIZED, "There is no access token that could be sent.")
    sent = {"authorization": f"Bearer {access_token}", "accept": "application/json"} | (headers or {})
    body = b""
    if wanted is not None:
        sent["content-type"] = "application/json"
        body = json.dumps(wanted).encode()
    return send(method, url, deadline, sent, body)


def error_of(answer: ClientResponse) -> dict[str, Any]:
    """The `error` object of a refusal; empty where it is in another form."""
    try:
        payload = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    error = payload.get("error") if isinstance(payload, dict) else None
    return error if isinstance(error, dict) else {}


class SyncPosition(BaseModel):
    """Where in a calendar's history we are: our sync token. `since` and `until` are what the provider was asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: AwareDatetime
    until: AwareDatetime
    sync: str | None = None
    page: str | None = None
    is_full: bool = False

    @classmethod
    def read(cls, token: str | None, end: Any) -> Self | None:
        """The place that a token names; None without one, and where its window ends before `end`."""
        try:
            position = cls.model_validate_json(base64.urlsafe_b64decode(token or ""))
        except (ValueError, ValidationError):
            return None
        return position if position.until >= end else None

    @property
    def token(self) -> str:
        return base64.urlsafe_b64encode(self.model_dump_json().encode()).decode()


def side_by_side(calendar_ids: Sequence[str], busy: Callable[[str], tuple[list[ProviderBusyTime], bool]]) -> FreeBusyResult:
    """What each calendar keeps busy, and whether all of it could be read, asked at once.

    One that its provider does not show is `missing`; other troubles are the whole's.
    """
    times: list[ProviderBusyTime] = []
    is_beside = False
    missing: list[str] = []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        running = [(calendar_id, pool.submit(busy, calendar_id)) for calendar_id in calendar_ids]
    for calendar_id, job in running:
        try:
            busy_times, is_known = job.result()
            times, is_beside = times + busy_times, is_beside or not is_known
        except ProviderError as met:
            if met.code not in (ProviderErrorCode.NOT_FOUND, ProviderErrorCode.REFUSED):
                raise
            missing.append(calendar_id)
    return FreeBusyResult(times=times, missing=missing, is_beside=is_beside)
