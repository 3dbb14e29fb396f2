"""Reads a folder with Microsoft's object model and prints what it found as JSON; run by a Python that has it.

`commondatamodel-objectmodel` is no dependency of ours: set SENDOFF_CDM_PYTHON to a Python where it is installed.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from cdm.enums import CdmStatusLevel  # type: ignore[import-not-found] # see above
from cdm.objectmodel import CdmCorpusDefinition  # type: ignore[import-not-found] # see above
from cdm.storage import ADLSAdapter, LocalAdapter, ResourceAdapter  # type: ignore[import-not-found] # see above


def format_of(attribute: Any) -> str:
    found = attribute.data_format
    return getattr(found, "name", str(found))


async def read(folder: str, document: str) -> dict[str, Any]:
    corpus = CdmCorpusDefinition()
    told: list[str] = []
    corpus.set_event_callback(lambda _level, message: told.append(message), CdmStatusLevel.WARNING)
    corpus.storage.mount("local", LocalAdapter(folder))
    corpus.storage.mount("cdm", ResourceAdapter())
    corpus.storage.mount("lake", ADLSAdapter("lake.dfs.core.windows.net", "/c", shared_key="a2V5"))
    corpus.storage.default_namespace = "local"
    manifest = await corpus.fetch_object_async(f"local:/{document}")
    entities = {}
    for declared in manifest.entities:
        entity = await corpus.fetch_object_async(declared.entity_path, manifest)
        resolved = await entity.create_resolved_entity_async(f"{declared.entity_name}_resolved")
        entities[declared.entity_name] = {
            "key": entity.primary_key,
            "attributes": {each.name: format_of(each) for each in resolved.attributes},
            "traits": {
                each.name: sorted(
                    trait.named_reference for trait in each.applied_traits if trait.named_reference.startswith("means.")
                )
                for each in resolved.attributes
            },
            "files": [
                corpus.storage.create_absolute_corpus_path(p.location, manifest) for p in declared.data_partitions
            ],
        }
    links = [
        [each.from_entity, each.from_entity_attribute, each.to_entity, each.to_entity_attribute]
        for each in manifest.relationships
    ]
    return {"entities": entities, "relationships": links, "told": told}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(read(*sys.argv[1:3]))))
