"""What the address of a meeting looks like, by platform."""

import re

from parley.recordings.models import MeetingPlatform

# The characters of RFC 3986, after one that a name may begin with; credentials, ports and other hosts do not fit the beginnings.
_REST = r"[A-Za-z0-9._~:/?#@!$&'()*+,;=%\[\]-]"
_NAME = rf"[A-Za-z0-9%_-]{_REST}*"
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_PATTERNS: dict[MeetingPlatform, re.Pattern[str]] = {
    MeetingPlatform.TEAMS: re.compile(rf"https://(?:teams\.microsoft\.com/(?:l/meetup-join|meet)|teams\.live\.com/meet)/{_NAME}"),
    MeetingPlatform.SLACK: re.compile(rf"https://(?:{_LABEL}\.)+slack\.com/huddle/{_NAME}"),
    MeetingPlatform.YOUTUBE: re.compile(rf"https://(?:www\.|m\.)?youtube\.com/(?:watch\?(?:{_REST}*&)?v=|live/)[A-Za-z0-9_-]+{_REST}*"),
}
EXAMPLES: dict[MeetingPlatform, str] = {
    MeetingPlatform.TEAMS: "https://teams.microsoft.com/l/meetup-join/…",
    MeetingPlatform.SLACK: "https://app.slack.com/huddle/…",
    MeetingPlatform.YOUTUBE: "https://www.youtube.com/watch?v=…",
}


def is_meeting_url(platform: MeetingPlatform, url: str) -> bool:
    """Whether the platform could have given out this address."""
    return _PATTERNS[platform].fullmatch(url) is not None
