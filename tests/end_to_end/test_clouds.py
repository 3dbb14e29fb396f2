"""Tables and segments by command line into each cloud's storage, and read back by pandas and pyarrow."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow.csv
import pyarrow.parquet
import pytest

from tests.cli.desk import LAKE, PARTNER, Desk
from tests.destinations import test_amazon_s3, test_azure_blob, test_azure_data_lake, test_google_cloud_storage
from tests.destinations.object_suite import ObjectBench
from tests.servers import datalake
from tests.servers.azurite import ACCOUNT, Azurite, azurite
from tests.servers.datalake import Lake, data_lake
from tests.servers.gcs import GcsServer, gcs
from tests.servers.s3 import REGION, S3Server, s3_server
from tests.servers.secret_service import SecretServiceServer

__all__ = ["azurite", "data_lake", "gcs", "s3_server"]
WHOLE = LAKE.replace("Drive", "Cloud").replace(", fields: [CustomerId, Country]", "")


@dataclass
class Cloud:
    """A destination with a fresh bucket: what to type in, and a way to look at what arrived."""

    destination: str
    settings: dict[str, str]
    secret: tuple[str, str]
    bench: ObjectBench


@pytest.fixture(params=["azure-blob", "azure-data-lake", "amazon-s3", "google-cloud-storage"])
def cloud(request: pytest.FixtureRequest) -> Cloud:
    destination: str = request.param
    return _CLOUDS[destination](request)


def _azure(request: pytest.FixtureRequest) -> Cloud:
    server: Azurite = request.getfixturevalue("azurite")
    bench = test_azure_blob.Bench(server)
    settings = {"account": ACCOUNT, "container": bench.name, "endpoint": server.endpoint, "folder": "Team/Exports"}
    return Cloud("azure-blob", settings, ("account_key", server.key), bench)


def _lake(request: pytest.FixtureRequest) -> Cloud:
    lake: Lake = request.getfixturevalue("data_lake")
    bench = test_azure_data_lake.Bench(lake)
    settings = {
        "account": datalake.ACCOUNT,
        "container": bench.container,
        "endpoint": lake.endpoint,
        "folder": "Team/Exports",
    }
    return Cloud("azure-data-lake", settings, ("account_key", lake.key), bench)


def _s3(request: pytest.FixtureRequest) -> Cloud:
    server: S3Server = request.getfixturevalue("s3_server")
    bench = test_amazon_s3.Bench(server, versioned=True)
    user = server.user("s3:*")
    settings = {
        "bucket": bench.bucket,
        "region": REGION,
        "endpoint": server.endpoint,
        "folder": "Team/Exports",
        "access_key_id": user.key_id,
    }
    return Cloud("amazon-s3", settings, ("secret_access_key", user.key), bench)


def _google(request: pytest.FixtureRequest) -> Cloud:
    server: GcsServer = request.getfixturevalue("gcs")
    bench = test_google_cloud_storage.Bench(server)
    settings = {"bucket": bench.bucket, "endpoint": server.endpoint, "folder": "Team/Exports"}
    return Cloud("google-cloud-storage", settings, ("service_account", bench.robot.key_file), bench)


_CLOUDS: dict[str, Callable[[pytest.FixtureRequest], Cloud]] = {
    "azure-blob": _azure,
    "azure-data-lake": _lake,
    "amazon-s3": _s3,
    "google-cloud-storage": _google,
}


@pytest.fixture
def connected(desk: Desk, cloud: Cloud, secret_service_here: SecretServiceServer) -> Desk:
    """A workspace with a connection that has just been tested."""
    desk.make_shop()
    secret = desk.folder / "secret"
    secret.write_text(cloud.secret[1])
    settings = [part for key, value in cloud.settings.items() for part in ("--set", f"{key}={value}")]
    given = (*settings, "--secret", f"{cloud.secret[0]}=file:{secret}", "--agree")
    desk.done("connections", "add", "--name", "Cloud", "--destination", cloud.destination, *given)
    secret.unlink()
    said = desk.do("connections", "test", "Cloud", "--json")
    assert said.document["ok"] is True, said
    return desk


def source_rows(desk: Desk) -> list[dict[str, str]]:
    with (desk.folder / "Customer.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_table_as_csv_is_what_pandas_reads_back(connected: Desk, cloud: Cloud) -> None:
    connected.done("exports", "apply", connected.file("lake.yaml", WHOLE))
    for _run in range(2):  # the second replaces the first
        connected.done("exports", "run", "Lake")
    parts = [path for path in cloud.bench.files() if path.endswith(".csv")]
    frames = [pd.read_csv(io.BytesIO(cloud.bench.read(path)), dtype=str, keep_default_na=False) for path in parts]
    assert pd.concat(frames).to_dict("records") == source_rows(connected)
    assert not [path for path in cloud.bench.files() if "_sendoff_tmp" in path or ".sendoff-" in path]


def test_a_table_as_parquet_is_what_pyarrow_reads_back(connected: Desk, cloud: Cloud) -> None:
    connected.done("exports", "apply", connected.file("lake.yaml", WHOLE.replace("type: csv", "type: parquet")))
    connected.done("exports", "run", "Lake")
    parts = [path for path in cloud.bench.files() if path.endswith(".parquet")]
    tables = [pyarrow.parquet.read_table(io.BytesIO(cloud.bench.read(path))) for path in parts]
    assert [row for table in tables for row in table.to_pylist()] == source_rows(connected)


def test_a_segment_as_a_file(connected: Desk, cloud: Cloud) -> None:
    connected.done("exports", "apply", connected.file("partner.yaml", PARTNER.replace("Drive", "Cloud")))
    connected.done("exports", "run", "Partner")
    (path,) = cloud.bench.files()
    table = pyarrow.csv.read_csv(io.BytesIO(cloud.bench.read(path)))
    wanted = [row for row in source_rows(connected) if row["Country"] == "DE"]
    assert sorted(table["mail"].to_pylist()) == sorted(row["Email"] for row in wanted)
    assert Path(path).parts[0] == "Partner"
