"""The policies of a function, as the template gives them."""

from __future__ import annotations

from typing import Any


def policies(document: Any, name: str) -> list[Any]:
    """Those of the function, or of the role that it shares with others. What AWS itself manages only lets it run, inside the boundary."""
    own = document["Resources"][name]["Properties"]
    if "Role" not in own:
        return list(own.get("Policies", []))
    return of_role(document, own["Role"]["Fn::GetAtt"][0])


def of_role(document: Any, name: str) -> list[Any]:
    """The policies of a role, without what AWS itself manages."""
    role = document["Resources"][name]["Properties"]
    return [policy for policy in role["ManagedPolicyArns"] if "Ref" in policy] + [
        inline_policy["PolicyDocument"] for inline_policy in role.get("Policies", [])
    ]
