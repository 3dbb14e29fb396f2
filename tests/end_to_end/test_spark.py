"""Tables that stay on a real Spark cluster go the same road as those of this computer, to the same end."""

from __future__ import annotations

from pathlib import Path

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from app.core.errors import FixSettings, TryAgain
from app.core.runs import Status
from app.core.servers import ServerUrl
from app.core.tables import Meaning, ServerTable, TableRole
from app.jobs import JobContext
from tests.end_to_end.workshop import Workshop, workshop
from tests.servers.spark import USABLE, running_spark
from tests.vendors.mailchimp import MailchimpEmulator

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not USABLE, reason="Java or pyspark is not installed")]


def test_from_setting_the_cluster_to_members_files_and_its_end(
    tmp_path: Path, shop: Workshop, mailchimp: MailchimpEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One story, because a cluster of its own takes long to start."""
    shop.customers(600, without_address=5, broken=3, twice=2)
    (tmp_path / "there").mkdir()
    ctx = JobContext()
    with (
        running_spark() as server,
        workshop(tmp_path / "there", monkeypatch) as there,
        MailchimpEmulator() as other,
    ):
        schema = "crm"
        server.run(f"CREATE SCHEMA {schema}")
        options = pa_csv.ConvertOptions(strings_can_be_null=True, null_values=[""])
        server.create(schema, "Customer", pa_csv.read_csv(shop.outside / "Customer.csv", convert_options=options))
        servers, tables = there.services.servers, there.services.tables
        url = ServerUrl.parse(f"spark://127.0.0.1:{server.port}?sslmode=disable")
        assert servers.test(ctx, url.address, server.token).tables == 1
        servers.set(url.address, server.token)
        tables.server.add([ServerTable(schema, "Customer")], None, ctx)
        (table,) = tables.all()
        assert (table.rows, table.key, table.role) == (600, "CustomerId", TableRole.CUSTOMER)
        assert table.source == f"{url.address}/{schema}/Customer"
        tables.set_meaning("Customer", "Email", Meaning.EMAIL)
        totals, lines, rows = [], [], []
        for place, target in ((shop, mailchimp), (there, other)):
            place.segment("Germany", "DE")
            place.mailchimp(target.url)
            place.newsletter("Germany")
            place.connect("Lake", "local-folder", {"folder": str(place.outside / "lake")})
            place.data_out()
            place.data_out("Parquet", format={"type": "parquet", "rows_per_file": 200})
            runs = [*place.run("Newsletter"), *place.run("Lake"), *place.run("Parquet")]
            assert [run.status for run in runs] == [Status.SUCCESSFUL] * 3, [place.log(run) for run in runs]
            rows.append(sorted(pq.read_table(place.outside / "lake" / "Parquet" / "Customer").to_pylist(), key=repr))
            assert [path for path in (place.outside / "lake").iterdir() if path.name.startswith(".")] == []
            totals.append([runs[0].totals, runs[1].totals.rows, runs[1].totals.files])
            files = (place.outside / "lake").rglob("*.csv")
            lines.append({file.name: sorted(file.read_text("utf-8").splitlines()) for file in files})
        assert totals[1] == totals[0]
        assert lines[1] == lines[0]
        assert rows[1] == rows[0]
        # Spark's own signature: the cluster wrote these itself.
        (wrote,) = {
            pq.read_metadata(file).created_by.split()[0] for file in there.outside.rglob("Parquet/**/*.parquet")
        }
        assert wrote == "parquet-mr"
        held = [{mail: c.merge_fields for mail, c in e.audience.contacts.items()} for e in (mailchimp, other)]
        assert held[1] == held[0]
        assert len(held[0]) > 100
        counted = there.services.counts.count("Germany", None, ctx)
        assert counted.members == 150
        with pytest.raises(FixSettings) as refused:
            servers.set(ServerUrl.parse("postgresql://reader@127.0.0.1/spark_catalog?sslmode=disable").address)
        assert refused.value.code == "server_in_use"
        server.stop()
        with pytest.raises(TryAgain) as caught:
            there.services.counts.count("Germany", None, ctx)
        assert caught.value.code == "server_unreachable"
        assert there.services.counts.cached("Germany", None) == counted
        (run,) = there.run("Lake")
        assert run.status is Status.FAILED
        assert run.error is not None
        assert "does not answer" in run.error.what
