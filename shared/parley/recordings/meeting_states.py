"""The legal transitions of a meeting, as a table. Who asks for another one is refused with `illegal_meeting_transition`."""

from parley.kernel.values.errors import Conflict
from parley.recordings.models import MeetingStatus

TRANSITIONS: dict[MeetingStatus, frozenset[MeetingStatus]] = {
    MeetingStatus.PENDING: frozenset({MeetingStatus.RECORDING, MeetingStatus.FAILED}),
    MeetingStatus.RECORDING: frozenset({MeetingStatus.PROCESSING, MeetingStatus.FAILED}),
    MeetingStatus.PROCESSING: frozenset({MeetingStatus.READY, MeetingStatus.FAILED}),
    MeetingStatus.READY: frozenset(),
    MeetingStatus.FAILED: frozenset(),
}


class IllegalMeetingTransition(Conflict):
    """The meeting's status does not allow this."""


def sources(target: MeetingStatus) -> list[MeetingStatus]:
    """The statuses from which a meeting may come to `target`: the condition of the update that moves it."""
    return [status for status, targets in TRANSITIONS.items() if target in targets]


def refusal(current: MeetingStatus, target: MeetingStatus) -> IllegalMeetingTransition:
    return IllegalMeetingTransition(
        f"The meeting is {current.value} and can't become {target.value}.", current=current.value, wanted=target.value
    )
