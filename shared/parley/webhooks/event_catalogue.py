"""The events that are told outside: their public names, and which events of the bus each of them comes from.

An event of the bus that stands here for nothing is nobody's business outside. A domain that announces a new one adds it here, to the rule
`EventsToWebhooks` of the template, and to its own `told`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

PING = "ping"
"""What a test sends. Nobody subscribes to it: it goes to the one that was asked for."""

CHALLENGE = "webhook.challenge"
"""What a new address is asked before it gets anything else (`endpoint_verification`)."""

WORKFLOW = "workflow.triggered"
"""What workflows of scheduling send, each to an endpoint of its own. How a delivery ended is announced (`messages.DELIVERY_ENDED`)."""


@dataclass(frozen=True, slots=True)
class PublicEvent:
    """`sources` are names of the bus. `entity` is the field of their payload with the id of what they tell of."""

    domain: str
    description: str
    sources: tuple[str, ...]
    entity: str


def _kind(description: str, entity: str, *sources: str) -> PublicEvent:
    return PublicEvent(sources[0].partition(".")[0], description, sources, entity)


_CHANGES = ("updated", "confirmed", "declined", "completed", "no_show", "reassigned")

CATALOGUE: dict[str, PublicEvent] = {
    "booking.created": _kind("A booking was made.", "booking_id", "scheduling.booking_created"),
    "booking.updated": _kind(
        "A booking was changed, confirmed, declined, or has taken place.",
        "booking_id",
        *(f"scheduling.booking_{change}" for change in _CHANGES),
    ),
    "booking.canceled": _kind("A booking was canceled.", "booking_id", "scheduling.booking_canceled"),
    "booking.rescheduled": _kind("A booking was moved.", "booking_id", "scheduling.booking_rescheduled"),
    "invitee.created": _kind("Somebody was booked in.", "booking_id", "scheduling.booking_created"),
    "routing.submitted": _kind("A routing form was filled in.", "submission_id", "scheduling.routing_submitted"),
    "meeting.started": _kind("A recorded meeting began.", "meeting_id", "recordings.meeting_started"),
    "meeting.completed": _kind("A meeting was recorded.", "meeting_id", "recordings.meeting_completed"),
    "meeting.failed": _kind("A meeting could not be recorded.", "meeting_id", "recordings.meeting_failed"),
    "recording.ready": _kind("A recording can be downloaded.", "recording_id", "recordings.recording_ready"),
    "encoding.started": _kind("A recording is being encoded.", "recording_id", "recordings.encoding_started"),
    "encoding.completed": _kind("A recording was encoded.", "recording_id", "recordings.encoding_completed"),
    "encoding.failed": _kind("A recording could not be encoded.", "recording_id", "recordings.encoding_failed"),
    "room.started": _kind("A room was opened.", "room_id", "rooms.room_started"),
    "room.ended": _kind("A room was closed.", "room_id", "rooms.room_ended"),
    "participant.joined": _kind("Somebody came into a room.", "participant_id", "rooms.participant_joined"),
    "participant.left": _kind("Somebody left a room.", "participant_id", "rooms.participant_left"),
    "message.received": _kind("A customer wrote.", "message_id", "inbox.message_received"),
    "message.sent": _kind("A message went to a customer.", "message_id", "inbox.message_sent"),
    "message.failed": _kind("A message did not reach a customer.", "message_id", "inbox.message_status_changed"),
    "file.uploaded": _kind("A file was stored.", "file_id", "storage.file_uploaded"),
    "file.deleted": _kind("A file was deleted.", "file_id", "storage.file_deleted"),
    "transform.completed": _kind("A file was transformed.", "transform_id", "storage.transform_completed"),
}

SOURCES = tuple(sorted({source for kind in CATALOGUE.values() for source in kind.sources}))
"""What the bus brings us."""

PATTERNS = frozenset(
    {"*"} | set(CATALOGUE) | {f"{part}.*" for name, kind in CATALOGUE.items() for part in (name.split(".")[0], kind.domain)}
)
"""What can be subscribed to: an event, all of a thing (`booking.*`), all of a domain (`scheduling.*`), or all, present and future."""


def covers(patterns: Iterable[str], name: str) -> bool:
    """Whether one who subscribed to `patterns` hears of this event."""
    return bool({"*", name, f"{name.split('.', maxsplit=1)[0]}.*", f"{CATALOGUE[name].domain}.*"}.intersection(patterns))


def names_of(source: str, payload: dict[str, Any]) -> list[str]:
    """The public names of an event of the bus; none for one that is not told outside."""
    if source == "inbox.message_status_changed" and payload.get("status") != "FAILED":
        return []
    return [name for name, kind in CATALOGUE.items() if source in kind.sources and payload.get(kind.entity)]
