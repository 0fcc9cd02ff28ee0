"""schemathesis makes requests from the OpenAPI document, good and bad, and compares what comes back with what the document promises."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.stack.conftest import ServedStack

EXAMPLES = os.environ.get("PARLEY_SCHEMATHESIS_EXAMPLES", "5")
# A request that breaks the document may be refused by the gateway too: what is too long, too large or of another media type.
SETTINGS = """
[checks]
negative_data_rejection.expected-statuses = ["400", "401", "403", "404", "405", "409", "413", "414", "415", "422", "431"]

# Beside these stands a path with a parameter in their last place, which answers to other methods: rightly, it is asked for `erase`.
[[operations]]
include-path-regex = "/(invitees/erase|workflows/preview)$"
phases.coverage.unexpected-methods = []
"""


def test_every_answer_is_what_the_document_promises(served: ServedStack, tmp_path: Path) -> None:
    document = served.stranger.get("/openapi.json")
    assert document.status == 200
    (tmp_path / "openapi.json").write_bytes(document.raw)
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    program = Path(sys.executable).with_name("schemathesis")
    arguments = ["run", "openapi.json", "--url", served.stack.url, "--header", f"Authorization: Bearer {served.vandal.token}"]
    arguments += ["--checks", "all", "--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES, "--workers", "4", "--seed", "7"]
    # A token that is left out or changed is refused by the gateway, in its own form; the authorizer's tests look at that. And the
    # document can't say everything that makes a request good: that a time zone exists, that `to` lies after `from`, whose a cursor is.
    arguments += ["--exclude-checks", "ignored_auth,positive_data_acceptance", "--generation-database", "none", "--no-color"]
    ran = subprocess.run([program, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=900)
    assert ran.returncode == 0, ran.stdout[-40_000:] + ran.stderr[-2_000:]
