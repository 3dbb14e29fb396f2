"""Checks requests and answers against a vendor's OpenAPI 3 description.

The descriptions are not part of this repository: SENDOFF_VENDOR_SPECS names a folder that holds them
(`mailchimp/trimmed.json` ...). Without it nothing is checked, and the tests that count checked requests are skipped.
"""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from openapi_schema_validator import OAS30Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

_URI = "urn:vendor"


@cache
def vendor_description(path: str, mend: Callable[[Any], None]) -> VendorDescription | None:
    """The description below the folder of SENDOFF_VENDOR_SPECS, None when there is none; `mend` changes it first."""
    folder = os.environ.get("SENDOFF_VENDOR_SPECS")
    if not folder:
        return None
    text = (Path(folder) / path).read_text("utf-8")
    document = json.loads(text) if path.endswith(".json") else yaml.safe_load(text)
    mend(document)
    return VendorDescription(document)


class VendorDescription:
    """One OpenAPI 3 document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._paths = document["paths"]
        self._templates = [
            (re.compile(re.sub(r"\\{[^}]+\\}", "[^/]+", re.escape(template)) + "/?"), template)
            for template in sorted(self._paths, key=lambda each: each.count("{"))  # what is said in full goes first
        ]
        self._registry: Registry[Any] = Registry().with_resource(_URI, DRAFT4.create_resource(document))

    def problems_of_request(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: Any
    ) -> list[str]:
        """What a request does that the description does not allow; names of `headers` are lower case."""
        operation = self._operation(method, path)
        if operation is None:
            return [f"{method} {path} is not described"]
        needed = [each for each in operation["parameters"] if each.get("required")]
        given = {"query": query.keys(), "header": headers.keys()}
        lacking = [
            f"{method} {path} lacks {each['name']}"
            for each in needed
            if each["in"] in given and each["name"].lower() not in {name.lower() for name in given[each["in"]]}
        ]
        allowed = {each["name"]: each for each in operation["parameters"] if each.get("in") == "query"}
        problems = lacking + [
            f"{method} {path}: unknown query parameter {name}" for name in query if name not in allowed
        ]
        for name, value in query.items():
            if name in allowed:
                schema = allowed[name]["schema"]
                problems += self._problems(f"{method} {path}?{name}", _typed(value, schema), schema)
        content = operation.get("requestBody", {}).get("content", {})
        if body is not None and not content:
            problems.append(f"{method} {path} takes no body")
        if content:
            schema = next(iter(content.values()))["schema"]
            problems += self._problems(f"{method} {path}", body, schema)
        return problems

    def problems_of_reply(self, method: str, path: str, status: int, document: Any) -> list[str]:
        """What an emulator's answer does that the description does not say."""
        operation = self._operation(method, path)
        if operation is None or document is None:
            return []
        described = operation["responses"].get(str(status)) or operation["responses"].get("default", {})
        content = described.get("content", {})
        if not content:
            return []
        return self._problems(f"answer to {method} {path}", document, next(iter(content.values()))["schema"])

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        for pattern, template in self._templates:
            if pattern.fullmatch(path):
                operation = self._paths[template].get(method.lower())
                if operation is not None:
                    shared = self._paths[template].get("parameters", [])
                    return {**operation, "parameters": [*shared, *operation.get("parameters", [])]}
        return None

    def _problems(self, where: str, value: Any, schema: dict[str, Any]) -> list[str]:
        absolute = json.loads(json.dumps(schema).replace('"#/', f'"{_URI}#/'))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the validator's own
            validator = OAS30Validator(absolute, registry=self._registry)
            return [
                f"{where}: {'/'.join(map(str, e.absolute_path))} {e.message[:200]}"
                for e in validator.iter_errors(value)
            ]


_SCHEMA = {"type", "items", "enum", "minimum", "maximum", "maxLength", "minLength", "pattern"}


def from_swagger_2(document: dict[str, Any]) -> None:
    """Mend a description in Swagger 2: bodies, answers and types stand elsewhere in OpenAPI 3."""
    for operations in document["paths"].values():
        for operation in operations.values():
            parameters = operation.get("parameters", [])
            for body in [each for each in parameters if each.get("in") == "body"]:
                operation["requestBody"] = {"content": {"application/json": {"schema": body["schema"]}}}
                parameters.remove(body)
            for each in parameters:
                each.setdefault("schema", {name: each[name] for name in _SCHEMA & each.keys()})
            for answer in operation["responses"].values():
                if "schema" in answer:
                    answer["content"] = {"application/json": {"schema": answer.pop("schema")}}


def _typed(text: str, schema: dict[str, Any]) -> Any:
    kind = schema.get("type")
    if kind in {"integer", "number"} and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind == "boolean" and text in {"true", "false"}:
        return text == "true"
    return [_typed(each, schema.get("items", {})) for each in text.split(",")] if kind == "array" else text
