"""A vendor's WSDL as a description of its JSON form, where the vendor says that both have the same names and types.

Microsoft's services v13 are such: elements become properties, long numbers text, and lists of a type arrays of it.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from tests.vendors.description import VendorDescription

_XS = "{http://www.w3.org/2001/XMLSchema}"
_PLAIN: dict[str, dict[str, Any]] = {
    "boolean": {"type": "boolean"},
    "int": {"type": "integer"},
    "long": {"type": "string", "pattern": "^-?[0-9]+$"},
    "string": {"type": "string"},
    "unsignedByte": {"type": "integer"},
}


@cache
def json_of_wsdl(*services: tuple[str, str, tuple[tuple[str, str, str], ...]]) -> VendorDescription | None:
    """The JSON form of operations, given as (file, path of the service, (method, path below it, name of the operation)).

    None without the folder of SENDOFF_VENDOR_SPECS.
    """
    folder = os.environ.get("SENDOFF_VENDOR_SPECS")
    if not folder:
        return None
    paths: dict[str, Any] = {}
    for file, base, operations in services:
        types = _Types(ET.parse(Path(folder) / file).getroot())
        for method, path, name in operations:
            request, answer = (types.element(f"{name}{kind}") for kind in ("Request", "Response"))
            paths.setdefault(base + path, {})[method] = {
                "parameters": [],
                "requestBody": {"content": {"application/json": {"schema": request}}},
                "responses": {"200": {"content": {"application/json": {"schema": answer}}}},
            }
    return VendorDescription({"paths": paths})


class _Types:
    """The types of one WSDL; all its schemas name them differently."""

    def __init__(self, root: ET.Element) -> None:
        self._elements = {
            each.get("name"): each for each in root.iter(f"{_XS}element") if len(each) and not each.get("type")
        }
        self._named = {
            each.get("name"): each for kind in ("complexType", "simpleType") for each in root.iter(_XS + kind)
        }

    def element(self, name: str) -> dict[str, Any]:
        """What a request or answer holds."""
        return self._fields(self._elements[name])

    def _fields(self, holder: ET.Element) -> dict[str, Any]:
        properties: dict[str, Any] = {}
        needed = []
        for each in holder.iter(f"{_XS}element"):
            name = each.get("name") or ""
            if each is holder:
                continue
            properties[name] = self._type(each.get("type", "xs:string").partition(":")[2])
            if each.get("nillable") == "true":
                properties[name] = {**properties[name], "nullable": True}
            if each.get("minOccurs") != "0":
                needed.append(name)
        found: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
        return {**found, "required": needed} if needed else found

    def _type(self, name: str) -> dict[str, Any]:
        if name in _PLAIN:
            return dict(_PLAIN[name])
        if name.startswith("ArrayOf"):
            inner = name.removeprefix("ArrayOf").removeprefix("NullableOf")
            return {"type": "array", "items": {**self._type(inner), "nullable": True}}
        found = self._named.get(name)
        if found is None:
            return {}
        values = [each.get("value") for each in found.iter(f"{_XS}enumeration")]
        return {"type": "string", "enum": values} if values else self._fields(found)
