"""What the person at the machine can mend."""

from __future__ import annotations


class Problem(Exception):
    """Its message says what is wrong and, where that is not plain, what to do. Programs show it without a trace."""
