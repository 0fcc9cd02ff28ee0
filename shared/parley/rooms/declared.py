"""What others read of rooms: see `parley.kernel.values.declarations`."""

from parley.kernel.values.declarations import EventName, PublicEvent


class RoomsEvent:
    # Can be subscribed to, and is announced by what is to come.
    ROOM_STARTED = EventName("rooms.room_started")
    ROOM_ENDED = EventName("rooms.room_ended")
    PARTICIPANT_JOINED = EventName("rooms.participant_joined")
    PARTICIPANT_LEFT = EventName("rooms.participant_left")


PUBLIC_EVENTS = (
    PublicEvent("room.started", "A room was opened.", "room_id", (RoomsEvent.ROOM_STARTED,)),
    PublicEvent("room.ended", "A room was closed.", "room_id", (RoomsEvent.ROOM_ENDED,)),
    PublicEvent("participant.joined", "Somebody came into a room.", "participant_id", (RoomsEvent.PARTICIPANT_JOINED,)),
    PublicEvent("participant.left", "Somebody left a room.", "participant_id", (RoomsEvent.PARTICIPANT_LEFT,)),
)
