"""Prints those lines of a locked requirements file whose packages another one does not have, with their hashes.

Exits with an error when the two lock different versions of a package: what lies in /opt is one of them.
"""

import re
import sys
from pathlib import Path


def locked(text: str) -> dict[str, tuple[str, str]]:
    """By package: its version, and all that the file says of it."""
    found = {}
    for said in re.split(r"(?m)^(?=[A-Za-z0-9])", text):
        if match := re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", said):
            found[match[1].lower()] = (match[2], said)
    return found


def beside(common: str, own: str) -> str:
    """What `own` locks and `common` does not."""
    there, wanted = locked(common), locked(own)
    if differing := sorted(name for name in there.keys() & wanted.keys() if there[name][0] != wanted[name][0]):
        sys.exit(f"beside.py: {', '.join(differing)} differ from the common layer's; lock both again.")
    return "".join(said for name, (_, said) in wanted.items() if name not in there)


if __name__ == "__main__":
    sys.stdout.write(beside(Path(sys.argv[1]).read_text(), Path(sys.argv[2]).read_text()))
