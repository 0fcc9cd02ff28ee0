"""The English sentences of the product's mails and pages, read from its source: what catalogues have to say in other languages."""

from __future__ import annotations

import ast
import re
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "shared" / "parley"
_IN_TEMPLATES = re.compile(r'\b_\(\s*"((?:[^"\\]|\\.)*)"')
_TRANSLATING = {"_", "marked", "words"}


def of_source(path: Path) -> set[str]:
    """Sentences that a module marks, or gives to its words."""
    sentences = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else None
        is_words = isinstance(node.func, ast.Call) and isinstance(node.func.func, ast.Name) and node.func.func.id == "Words"
        if (name in _TRANSLATING or is_words) and isinstance(node.args[0].value, str):
            sentences.add(node.args[0].value)
    return sentences


def of_template(path: Path) -> set[str]:
    return {ast.literal_eval(f'"{sentence}"') for sentence in _IN_TEMPLATES.findall(path.read_text())}


def of_domain(folder: Path) -> set[str]:
    sources = (of_source(path) for path in folder.rglob("*.py"))
    templates = (of_template(path) for path in folder.rglob("templates/*.*") if path.suffix in (".html", ".txt"))
    return set().union(*sources, *templates)


def domains() -> dict[str, set[str]]:
    """By domain, where there are any."""
    domain_sentences = {
        folder.name: of_domain(folder) for folder in sorted(PACKAGE.iterdir()) if folder.is_dir() and folder.name != "notifications"
    }
    return {name: sentences for name, sentences in domain_sentences.items() if sentences}
