"""Secrets that AWS would generate: made once, kept in a file that only its owner reads."""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local import files
from local.cloudformation import TemplateProblem
from local.template import Resource

MEND = "What the database holds sealed opens only with it: bring a copy back, or begin anew with `make clean`."
_LETTERS = string.ascii_letters + string.digits  # what every rule of GenerateSecretString allows


class MadeValues:
    """Secret strings by name: the logical id of a secret of the template, or the name of one that stands outside of it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._texts: dict[str, str] = {name: str(text) for name, text in files.read(path, MEND).items()}
        self._names: dict[str, str] = {}

    def declared(self, resource: Resource, arn: str) -> str:
        """The secret string of a secret of the template."""
        self._names |= {arn: resource.name, str(resource.properties.get("Name", resource.name)): resource.name}
        if "SecretString" in resource.properties:
            value = resource.properties["SecretString"]
            self._texts[resource.name] = value if isinstance(value, str) else json.dumps(value)
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
            if name not in self._texts:
                self._texts[name] = secrets.token_urlsafe(24)
                self._write()
            return self._texts[name]
        values = self._values(name)
        if key not in values:
            values[key] = secrets.token_urlsafe(24)
            self._texts[name] = json.dumps(values)
            self._write()
        return str(values[key])

    def _values(self, name: str) -> dict[str, Any]:
        try:
            values = json.loads(self._texts.get(name, "{}"))
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise TemplateProblem(f"the secret {name} holds no JSON with keys, and the template asks for one of it")
        return values

    def _write(self) -> None:
        files.write(self._path, json.dumps(self._texts, indent=1))
