from __future__ import annotations

import hashlib
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.core.run_pointers import SentFile, latest_document, sums_text

MOMENT = datetime(2026, 3, 9, 6, 5, tzinfo=UTC)


def sent(item: str, path: str, data: bytes = b"x") -> SentFile:
    return SentFile(item, path, 10 if item else 0, len(data), hashlib.sha256(data).hexdigest())


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="the checker itself is not on this computer")
def test_sha256sum_checks_the_sums(tmp_path: Path) -> None:
    names = ["Lake/Out/Zoë's/a b_1.csv", "Lake/Out/Orders/x.csv.gz", "Lake/model.json"]
    files = [sent("", name, name.encode()) for name in names]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "Lake/SHA256SUMS").write_text(sums_text({f.path: f.sha256 for f in files}, "Lake/SHA256SUMS"), "utf-8")

    def check() -> int:
        command = ["sha256sum", "--strict", "-c", "SHA256SUMS"]
        return subprocess.run(command, cwd=tmp_path / "Lake", capture_output=True, check=False).returncode

    assert check() == 0
    (tmp_path / names[0]).write_bytes(b"spoilt")
    assert check() == 1


def test_the_pointer_names_the_folders_of_a_run_from_its_own() -> None:
    files = [
        sent("Customer", "Out/2026-03-09/Customer/1.csv"),
        sent("Customer", "Out/2026-03-09/Customer/2.csv"),
        sent("Orders", "Out/2026-03-09/Orders/1.csv"),
        sent("", "Out/2026-03-09/model.json"),
    ]
    assert latest_document("Out", "r1", MOMENT, files, "Out/latest.json") == {
        "export": "Out",
        "run": "r1",
        "started_at": "2026-03-09T06:05:00Z",
        "folder": "2026-03-09",
        "tables": {"Customer": "2026-03-09/Customer", "Orders": "2026-03-09/Orders"},
        "content": {"Customer": ["all"], "Orders": ["all"]},
        "rows": 30,
        "files": 4,
        "bytes": 4,
    }


def test_the_pointer_does_not_lead_into_a_folder_of_a_partition() -> None:
    """However few values a run has: the next one may have more, and readers keep the folder they know."""
    files = [sent("Orders", "Out/Orders/0605/2026/01/1.csv"), sent("Orders", "Out/Orders/0605/2026/02/2.csv")]
    tops = {"Orders": "Out/Orders/0605", "Customer": "Out/Customer/0605"}
    document = latest_document("Out", "r1", MOMENT, files, "Out/latest.json", tops)
    assert (document["folder"], document["tables"]) == ("Orders/0605", {"Orders": "Orders/0605"})


def test_a_pointer_beside_the_files_says_so() -> None:
    document = latest_document("Out", "r1", MOMENT, [sent("Orders", "Out/o_1.csv")], "Out/latest.json")
    assert (document["folder"], document["tables"]) == (".", {"Orders": "."})
    at_the_top = latest_document("Out", "r1", MOMENT, [sent("Orders", "o_1.csv")], "latest.json")
    assert at_the_top["folder"] == "."
