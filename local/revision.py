"""A new, empty revision for Alembic: `python -m local.revision scheduling_pools` writes it, named after the moment, its domain and what."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime
from pathlib import Path

from alembic.script import ScriptDirectory

from local.emulator import ROOT
from parley.kernel.postgres.migrations import configuration


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.revision", description=__doc__)
    parser.add_argument("name", help="<domain>_<what>, in snake_case")
    name = parser.parse_args().name
    if not re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", name):
        parser.error("a revision is named <domain>_<what>, in snake_case")
    script = ScriptDirectory.from_config(configuration())
    number = len(list(script.walk_revisions())) + 1
    script.file_template = f"{datetime.now(UTC):%Y%m%d_%H%M}_%(slug)s"
    made = script.generate_revision(f"{number:04}_{name.partition('_')[0]}", name.replace("_", " ").capitalize() + ".", head="head")
    assert made is not None
    path = Path(made.path).relative_to(ROOT)
    print(f"{path}: fill in upgrade and downgrade; each tenant table gets its policy there: protect(op, table).")


if __name__ == "__main__":
    main()
