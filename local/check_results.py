"""What a check of the doctor can say besides that all is well."""

from __future__ import annotations


class Ailing(Exception):
    """Something is wrong: `what`, and how to `mend` it."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what)
        self.what = what
        self.mend = mend


class Skipped(Exception):
    """The question can't be asked here; the message says why."""
