"""Header fields of a mail: whatever a name or a subject holds, it stays text (RFC 5322, 2047).

`email` reads what it is given as if it were a field already: an encoded word in a name is decoded, and what comes out is written unquoted,
where it may look like an address. So these fields come written and folded, and its policy leaves them alone.
"""

from dataclasses import dataclass
from email.header import Header
from email.policy import Policy
from email.utils import quote

PRODUCT = "Parley"
"""As mails and authenticators name it."""

_LINE = 78
_LONG_WORD = 60
_FOLD = "\r\n"


@dataclass(frozen=True, slots=True)
class Field:
    """A field as it is sent. `EmailPolicy` keeps a value that has a `name`, and lets it `fold` itself."""

    name: str
    value: str

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self.value}{policy.linesep}"


def subject(text: str) -> Field:
    """`text` is one line."""
    return Field("Subject", _folded(text, "us-ascii" if _is_plain(text) else "utf-8", "Subject"))


def mailbox(field: str, name: str, address: str) -> Field:
    """A field with one mailbox. `name` is one line, or empty; `address` checked and in ASCII."""
    if not name:
        return Field(field, address)
    phrase = f'"{quote(name)}"' if _is_plain(name) else _folded(name, "utf-8", field)
    gap = " " if len(f"{field}: {phrase} <{address}>") <= _LINE else f"{_FOLD} "
    return Field(field, f"{phrase}{gap}<{address}>")


def _is_plain(text: str) -> bool:
    """Whether it can stand as it is: ASCII that looks like no encoded word and has gaps to fold at."""
    return text.isascii() and "=?" not in text and all(len(word) <= _LONG_WORD for word in text.split())


def _folded(text: str, charset: str, field: str) -> str:
    return Header(text, charset, header_name=field).encode(linesep=_FOLD)
