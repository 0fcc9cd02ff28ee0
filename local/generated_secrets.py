"""Secrets that AWS would generate: made once, kept in a file that only its owner reads."""

from __future__ import annotations

import json
import os
import secrets
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.template import Resource

_LETTERS = string.ascii_letters + string.digits  # what every rule of GenerateSecretString allows


class MadeValues:
    """Secret strings by name: the logical id of a secret of the template, or the name of one that stands outside of it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._texts: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        self._names: dict[str, str] = {}

    def declared(self, resource: Resource, arn: str) -> str:
        """The secret string of a secret of the template."""
        self._names |= {arn: resource.name, str(resource.properties.get("Name", resource.name)): resource.name}
        if "SecretString" in resource.properties:
            given = resource.properties["SecretString"]
            self._texts[resource.name] = given if isinstance(given, str) else json.dumps(given)
        elif resource.name not in self._texts:
            wanted: Mapping[str, Any] = resource.properties.get("GenerateSecretString", {})
            made = "".join(secrets.choice(_LETTERS) for _ in range(int(wanted.get("PasswordLength", 32))))
            if key := wanted.get("GenerateStringKey"):
                self._texts[resource.name] = json.dumps(json.loads(wanted.get("SecretStringTemplate", "{}")) | {key: made})
            else:
                self._texts[resource.name] = made
        self._write()
        return self._texts[resource.name]

    def referenced(self, reference: str) -> str:
        """The value of `secret-id:SecretString:json-key:stage:version`, the inside of a dynamic reference; made up when there is none."""
        name, _, rest = reference.partition(":SecretString")
        name = self._names.get(name, name)
        key = rest.strip(":").split(":")[0] if rest else ""
        if not key:
            return self._texts.setdefault(name, secrets.token_urlsafe(24))
        values = json.loads(self._texts.get(name, "{}"))
        if key not in values:
            values[key] = secrets.token_urlsafe(24)
            self._texts[name] = json.dumps(values)
            self._write()
        return str(values[key])

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        aside = self._path.with_suffix(".new")
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(self._texts, file, indent=1)
        aside.rename(self._path)
