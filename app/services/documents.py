"""Reading and writing segment and export files: YAML as people mean it.

YAML 1.1 turns `on`, `off`, `yes`, `NO` (Norway) into booleans, `05:30` into a number and dates into objects. These files
are read by YAML 1.2's core rules instead: only true and false are booleans, and dates stay the text that was written.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from app.core.errors import FixData


class _CoreLoader(yaml.SafeLoader):
    """Safe loading with YAML 1.2's core schema."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - declared so by PyYAML

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        """Refuse a key that stands twice: one of the two values would be lost in silence."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key.value}' stands twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


_CORE = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    "float": (
        r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+",
        "-+.0123456789",
    ),
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
}
for _tag, (_pattern, _first) in _CORE.items():
    _CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first))


class _CoreDumper(yaml.SafeDumper):
    """Safe dumping that quotes whatever a YAML 1.1 reader would take for something else (PyYAML's own rule)."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        """Double quotes for unusual line ends and spaces: PyYAML writes them plainly and folds them on reading."""
        style = None
        if any(not c.isprintable() for c in data):
            style = '"'
        elif any(re.fullmatch(pattern, data) for pattern, _ in _CORE.values()):
            style = "'"  # our reader would take it for a number, PyYAML's own rules would not
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_CoreDumper.add_representer(str, _CoreDumper.represent_str)


def read_documents(path: Path) -> list[dict[str, Any]]:
    """All documents of a YAML file, at most 10 MB; raises FixData naming line and reason."""
    try:
        if path.stat().st_size > 10_000_000:
            raise FixData(
                f"'{path.name}' is too large for a definition file.",
                "Such files hold a few pages of text.",
                "Check that it is the right file.",
                code="invalid_file",
            )
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise FixData(f"There is no file '{path}'.", "", "Check the path.", code="invalid_file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise FixData(
            f"'{path}' can't be read.",
            f"{type(error).__name__}: it is not a readable UTF-8 text file.",
            "Save it as UTF-8 and try again.",
            code="invalid_file",
        ) from None
    return parse_documents(text, path.name)


def parse_documents(text: str, name: str) -> list[dict[str, Any]]:
    """All documents of a YAML text; `name` stands in the error's sentences."""
    try:
        documents = [d for d in yaml.load_all(text, _CoreLoader) if d is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        reason = getattr(error, "problem", None) or "it can't be parsed"
        raise FixData(
            f"'{name}' is not valid YAML{where}.",
            f"The reader says: {reason}.",
            "Correct the file and try again.",
            code="invalid_file",
        ) from None
    for document in documents:
        if not isinstance(document, dict):
            raise FixData(
                f"'{name}' does not hold a definition.",
                "A definition is a list of 'key: value' lines.",
                "Compare it with the examples in the documentation.",
                code="invalid_file",
            )
    if not documents:
        raise FixData(f"'{name}' is empty.", "", "Add a definition and try again.", code="invalid_file")
    return documents


def write_document(document: dict[str, Any]) -> str:
    """One document as YAML, keys in the given order."""
    return yaml.dump(document, Dumper=_CoreDumper, sort_keys=False, allow_unicode=True, width=100)
