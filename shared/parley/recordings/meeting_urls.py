"""What the address of a meeting looks like, by platform."""

import re

from parley.recordings.models import MeetingPlatform

# The characters of RFC 3986; credentials, ports and other hosts do not fit the beginnings.
_REST = r"[A-Za-z0-9._~:/?#@!$&'()*+,;=%\[\]-]"
_PATTERNS: dict[MeetingPlatform, re.Pattern[str]] = {
    MeetingPlatform.TEAMS: re.compile(rf"https://(?:teams\.microsoft\.com/(?:l/meetup-join|meet)|teams\.live\.com/meet)/{_REST}+"),
    MeetingPlatform.SLACK: re.compile(rf"https://[a-z0-9-]+(?:\.[a-z0-9-]+)*\.slack\.com/huddle/{_REST}+"),
    MeetingPlatform.YOUTUBE: re.compile(rf"https://(?:www\.|m\.)?youtube\.com/(?:watch\?(?:{_REST}*&)?v=|live/)[A-Za-z0-9_-]+{_REST}*"),
}
EXAMPLES: dict[MeetingPlatform, str] = {
    MeetingPlatform.TEAMS: "https://teams.microsoft.com/l/meetup-join/…",
    MeetingPlatform.SLACK: "https://app.slack.com/huddle/…",
    MeetingPlatform.YOUTUBE: "https://www.youtube.com/watch?v=…",
}


def fits(platform: MeetingPlatform, url: str) -> bool:
    """Whether the platform could have given out this address."""
    return _PATTERNS[platform].fullmatch(url) is not None
