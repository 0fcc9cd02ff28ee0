"""What lies in the layer of single sign-on: what its functions need and the common layer has not."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from local.cloudformation import read

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("beside", ROOT / "layers" / "beside.py")
assert SPEC is not None
assert SPEC.loader is not None
beside = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(beside)


def lock(layer: str) -> str:
    return (ROOT / "layers" / layer / "requirements.txt").read_text()


def test_the_layer_holds_what_the_common_one_does_not() -> None:
    requirements = beside.beside(lock("dependencies"), lock("saml"))
    assert set(beside.locked(requirements)) == {"certifi", "dnspython", "lxml", "signxml"}
    assert requirements.count("--hash=sha256:") > 3


def test_two_versions_of_one_package_are_not_put_over_each_other() -> None:
    with pytest.raises(SystemExit):
        beside.beside("a==1 \\\n    --hash=sha256:0\n", "a==2 \\\n    --hash=sha256:0\n")


def test_only_functions_that_read_xml_or_ask_dns_have_it() -> None:
    resources = read(ROOT / "template.yaml")["Resources"]
    having = {name for name, resource in resources.items() if {"Ref": "SamlLayer"} in resource.get("Properties", {}).get("Layers", [])}
    assert having == {"SamlSaveConnection", "SamlReceiveResponse", "SamlVerifyDomain", "SamlSweepDomains"}
