"""docs/identity.md says what each role may do: the same that the catalogue says.

`python -m tests.identity.test_roles_documented` writes the tables again.
"""

from __future__ import annotations

import re
from pathlib import Path

from parley.identity.roles.scopes import CATALOGUE, RANKS, SCOPES, expanded
from parley.kernel.access.plans import PLANS

DOCUMENT = Path(__file__).parents[2] / "docs" / "identity.md"


def roles() -> str:
    """The table, as it is to stand in the document."""
    may = {role: expanded(SCOPES[role]) for role in RANKS}
    lines = ["| scope | lets | " + " | ".join(reversed(RANKS)) + " |", "|---|---|" + ":-:|" * len(RANKS)]
    for scope, lets in CATALOGUE.items():
        marks = " | ".join("✓" if scope in may[role] else "" for role in reversed(RANKS))
        lines.append(f"| `{scope}` | {lets} | {marks} |")
    return "\n".join(lines)


def plans() -> str:
    lines = ["| plan | seats | history | requests a minute | API keys |", "|---|---|---|---|---|"]
    for name, plan in PLANS.items():
        history = f"{plan.history_days} days" if plan.history_days else "unlimited"
        lines.append(f"| {name.value} | {plan.seats} | {history} | {plan.requests_per_minute} | {'yes' if plan.has_api_access else 'no'} |")
    return "\n".join(lines)


def written(document: str) -> str:
    """The document with the tables as they are to be."""
    for table in (roles(), plans()):
        heading = table.partition("\n")[0]
        document = re.sub(rf"{re.escape(heading)}\n(\|.*\n)+", lambda _, table=table: f"{table}\n", document)  # type: ignore[misc]
    return document


def test_the_tables_are_what_the_code_says() -> None:
    document = DOCUMENT.read_text()
    assert roles().partition("\n")[0] in document
    assert plans().partition("\n")[0] in document
    assert document == written(document), "write them again: python -m tests.identity.test_roles_documented"


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text()))
