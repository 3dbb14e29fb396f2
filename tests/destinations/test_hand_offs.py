"""The destinations that hand files over through SFTP, Blob Storage or a data lake, against OpenSSH, Azurite and a stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.destinations.contract import FileDestination, Settings
from app.destinations.description import Description
from app.destinations.registry import description, open_destination
from tests.destinations import test_azure_blob, test_azure_data_lake, test_sftp
from tests.destinations.file_suite import FileBench, FileDestinationSuite
from tests.servers import openssh
from tests.servers.azurite import Azurite, azurite
from tests.servers.datalake import Lake, data_lake
from tests.servers.openssh import OpenSshServer

__all__ = ["azurite", "data_lake"]

HAND_OFFS = [
    description(each)
    for each in (
        "adobe-campaign-standard",
        "adobe-experience-platform",
        "azure-synapse",
        "inmobi",
        "liveramp",
        "salesforce-marketing-cloud",
    )
]


def opened(of: str, settings: Settings) -> FileDestination:
    destination = open_destination(description(of), settings)
    assert isinstance(destination, FileDestination)
    return destination


class SftpBench(test_sftp.Bench):
    def __init__(self, server: OpenSshServer, folder: Path, of: str) -> None:
        super().__init__(server, folder)
        self.of = of

    def destination(self, **changes: str) -> FileDestination:
        values = self.server.values(**{"folder": str(self.folder), **changes})
        return opened(self.of, Settings(values, {"private_key": self.server.key}))


class BlobBench(test_azure_blob.Bench):
    def __init__(self, server: Azurite, of: str) -> None:
        super().__init__(server)
        self.of = of

    def destination(self, key: str = "", sas: str = "", **changes: str) -> FileDestination:
        super().destination(key, sas, **changes)
        _id, values, secrets = self.opened
        return opened(self.of, Settings(values, secrets))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSshServer]:
    if not openssh.USABLE:
        pytest.skip("needs OpenSSH's sshd")
    running = openssh.start(tmp_path_factory.mktemp("sshd"))
    yield running
    running.stop()


class TestThroughSftp(FileDestinationSuite):
    @pytest.fixture(params=[each.id for each in HAND_OFFS if each.connects_like == "sftp"])
    def bench(self, request: pytest.FixtureRequest, server: OpenSshServer, drive: Path) -> FileBench:
        return SftpBench(server, drive, request.param)


class TestThroughBlobs(FileDestinationSuite):
    @pytest.fixture(params=[each.id for each in HAND_OFFS if each.connects_like == "azure-blob"])
    def bench(self, request: pytest.FixtureRequest, azurite: Azurite) -> FileBench:
        return BlobBench(azurite, request.param)


class LakeBench(test_azure_data_lake.Bench):
    def destination(self, key: str = "", **changes: str) -> FileDestination:
        super().destination(key, **changes)
        _id, values, secrets = self.opened
        return opened("azure-synapse", Settings(values, secrets))


class TestThroughTheLake(FileDestinationSuite):
    @pytest.fixture
    def bench(self, data_lake: Lake) -> FileBench:
        return LakeBench(data_lake)


@pytest.mark.parametrize("each", [pytest.param(each, id=each.id) for each in HAND_OFFS])
class TestDescriptions:
    def test_the_form_is_that_of_the_storage_it_goes_through(self, each: Description) -> None:
        like = {field.id: field for field in description(each.connects_like).connection_fields}
        assert [field.id for field in each.connection_fields] == list(like)
        assert all(field.kind is like[field.id].kind for field in each.connection_fields)
        assert each.any_field

    def test_what_is_usual_obeys_the_rules(self, each: Description) -> None:
        assert each.file_rules.broken(each.name, each.usual_format, each.usual_layout) == []
