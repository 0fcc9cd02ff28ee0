"""iCalendar as text (RFC 5545, 3.1 to 3.6): components and those of their properties that we read.

What is not read can't do harm: a line that is none, a property of no interest, a component that was never closed refuse nothing.
"""

import re
from dataclasses import dataclass, field

_READ = (
    "UID", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "SEQUENCE", "STATUS", "TRANSP", "ATTENDEE",
    "X-MICROSOFT-CDO-BUSYSTATUS", "X-WR-TIMEZONE", "X-WR-CALNAME", "TIMEZONE-ID", "TZID", "X-LIC-LOCATION",
    "TZOFFSETFROM", "TZOFFSETTO", "FREEBUSY",
)  # fmt: skip
_LINE = re.compile(rf"^[ \t]*(BEGIN|END|{'|'.join(_READ)})[ \t]*([:;][^\n]*)$", re.MULTILINE | re.IGNORECASE)
_FOLD, _BREAK = re.compile(r"\n[ \t]"), re.compile(r"\r+\n?")
_CONTROLS = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127))
_DEEPEST = 50  # so far up it is looked for what an END closes
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_MOMENTS = re.compile(r"\d{8}(?:T\d{6}Z?)?(?:,[\dTZ,]*)?", re.IGNORECASE)
_PARAMETERS = re.compile(r'((?:;[^":;]*(?:"[^"]*"[^":;]*)*)*):(.*)')
_PARAMETER = re.compile(r';([^"=;]+)=((?:"[^"]*"|[^";])*)')
# What stands in a calendar alone, and in nothing else: where it begins, whatever was not closed before is over. Likewise in a zone.
_OF_CALENDAR = frozenset({"VEVENT", "VTIMEZONE", "VFREEBUSY", "VTODO", "VJOURNAL"})
_OF_ZONE = frozenset({"STANDARD", "DAYLIGHT"})
_CALENDAR = "VCALENDAR"


@dataclass(slots=True)
class IcalendarProperty:
    """The names of parameters are in capitals, their values without quotes."""

    parameters: dict[str, str]
    value: str


@dataclass(slots=True)
class IcalendarComponent:
    """A component. `is_ended`: its END came before the text was over."""

    name: str
    properties: dict[str, list[IcalendarProperty]] = field(default_factory=dict)
    blocks: list["IcalendarComponent"] = field(default_factory=list)
    is_ended: bool = True

    def all(self, name: str) -> list[IcalendarProperty]:
        return self.properties.get(name, [])

    def first(self, name: str) -> IcalendarProperty | None:
        listed = self.properties.get(name)
        return listed[0] if listed else None

    def text(self, name: str) -> str:
        """Of the first one, without blanks around it; empty where there is none."""
        listed = self.properties.get(name)
        return listed[0].value.strip() if listed else ""

    def inner(self, name: str) -> list["IcalendarComponent"]:
        return [block for block in self.blocks if block.name == name]


def read_components(content: bytes) -> list[IcalendarComponent]:
    """The calendars of a stream (RFC 5545, 3.4). What stands in none is one of its own; empty for what is no iCalendar."""
    decoded = content.decode("utf-16" if content.startswith(_UTF_16) else "utf-8-sig", "replace").translate(_CONTROLS)
    text = _FOLD.sub("", _BREAK.sub("\n", decoded))
    bare = IcalendarComponent(_CALENDAR)
    calendars: list[IcalendarComponent] = []
    stack: list[IcalendarComponent] = []
    for line in _LINE.finditer(text):
        name = line[1].upper()
        if name == "BEGIN":
            block = IcalendarComponent(line[2][1:].strip().upper(), is_ended=False)
            _leave(stack, block.name)
            if block.name == _CALENDAR:
                calendars.append(block)
                stack.clear()
            else:
                (stack[-1] if stack else bare).blocks.append(block)
            stack.append(block)
        elif name == "END":
            _end(stack, line[2][1:].strip().upper())
        elif stack:
            stack[-1].properties.setdefault(name, []).append(_property(line[2]))
    return [*calendars, *([bare] if any(block.name in _OF_CALENDAR for block in bare.blocks) else [])]


def _leave(stack: list[IcalendarComponent], name: str) -> None:
    """A component whose END was lost ends where the next of its like begins."""
    if name in _OF_CALENDAR:
        del stack[1 if stack and stack[0].name == _CALENDAR else 0 :]
    elif name in _OF_ZONE and stack and stack[-1].name in _OF_ZONE:
        stack.pop()


def _end(stack: list[IcalendarComponent], name: str) -> None:
    for depth in range(len(stack) - 1, max(len(stack) - _DEEPEST, 0) - 1, -1):
        if stack[depth].name == name:
            stack[depth].is_ended = True
            for lost in stack[depth + 1 :]:  # what was not closed in it: its last words are this one's
                for key, listed in lost.properties.items():
                    stack[depth].properties.setdefault(key, listed)
            del stack[depth:]
            return


def _property(rest: str) -> IcalendarProperty:
    if rest[0] == ":":
        return IcalendarProperty({}, rest[1:])
    if (zoned := _zone_with_colons(rest)) is not None:
        return zoned
    parts = _PARAMETERS.fullmatch(rest)
    if parts is None:  # a quote that was never closed: no value that we read has a colon before its last one
        before, _, value = rest.rpartition(":")
        return IcalendarProperty({}, value if before else "")
    parameters = {name.strip().upper(): value.strip().strip('"') for name, value in _PARAMETER.findall(parts[1])}
    return IcalendarProperty(parameters, parts[2])


def _zone_with_colons(rest: str) -> IcalendarProperty | None:
    """`TZID=(UTC+01:00) Berlin` without its quotes: what follows the last colon is the value."""
    before, _, value = rest.rpartition(":")
    at = before.upper().find(";TZID=")
    if at < 0 or '"' in before or before.find(":") < at or not _MOMENTS.fullmatch(value.strip()):
        return None
    return IcalendarProperty({name.strip().upper(): text.strip() for name, text in _PARAMETER.findall(before)}, value)
