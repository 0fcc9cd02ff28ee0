"""docs/identity.md says what each role may do: the same that the catalogue says."""

from __future__ import annotations

from pathlib import Path

from parley.identity.scopes import CATALOGUE, RANKS, SCOPES, expanded
from parley.kernel.plans import PLANS

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


def test_the_table_of_roles_is_the_catalogue() -> None:
    assert roles() in DOCUMENT.read_text(), f"docs/identity.md needs this table:\n{roles()}"


def test_the_table_of_plans_is_what_plans_are() -> None:
    assert plans() in DOCUMENT.read_text(), f"docs/identity.md needs this table:\n{plans()}"
