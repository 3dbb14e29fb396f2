from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

PIN = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>[^ ;]+)(?: ; (?P<marker>[^\\]+?))? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")


def pins(path: Path) -> dict[tuple[str, str], int]:
    """How many hashes each `(name, version and marker)` has; a line that is neither pin, hash nor comment fails."""
    counted: dict[tuple[str, str], int] = {}
    current: tuple[str, str] | None = None
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        if pin := PIN.match(line):
            current = (pin["name"], f"{pin['version']} {pin['marker'] or ''}")
            counted[current] = 0
        else:
            assert HASH.match(line), line
            assert current is not None
            counted[current] += 1
    return counted


def canonical(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name is not None
    return re.sub(r"[-_.]+", "-", name.group()).lower()


@pytest.mark.parametrize("name", ["runtime.txt", "development.txt", "spark.txt"])
def test_every_pin_has_hashes_and_no_line_names_an_address(root: Path, name: str) -> None:
    path = root / "packaging" / "locks" / name
    assert [pin for pin, hashes in pins(path).items() if hashes == 0] == []
    assert not re.search(
        r"https?:|file:|index-url\b(?<!no-emit-index-url)|find-links", path.read_text(encoding="utf-8")
    )


def test_development_installs_the_very_versions_that_ship(root: Path) -> None:
    locks = root / "packaging" / "locks"
    shipped, development = pins(locks / "runtime.txt"), pins(locks / "development.txt")
    assert {pin: count for pin, count in shipped.items() if development.get(pin) != count} == {}


def test_the_lock_files_hold_what_pyproject_asks_for(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    locks = root / "packaging" / "locks"
    runtime = {name for name, _ in pins(locks / "runtime.txt")}
    development = {name for name, _ in pins(locks / "development.txt")}
    assert {canonical(text) for text in project["project"]["dependencies"]} <= runtime
    assert {canonical(text) for text in project["dependency-groups"]["dev"]} <= development
    spark = {name for name, _ in pins(locks / "spark.txt")}
    assert {canonical(text) for text in project["dependency-groups"]["spark-server"]} <= spark


def test_libraries_with_compiled_parts_are_locked_for_all_three_systems(root: Path) -> None:
    counts = {name: hashes for (name, _), hashes in pins(root / "packaging" / "locks" / "runtime.txt").items()}
    # One wheel each for Linux, macOS and Windows at least, where the wheels differ by system.
    compiled = ("pyside6-essentials", "shiboken6", "duckdb", "pyarrow", "isal", "orjson", "msgspec", "cryptography")
    assert [name for name in compiled if counts[name] < 3] == []


def test_what_each_library_is_for_is_written_down(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    text = (root / "packaging" / "locks" / "README.md").read_text(encoding="utf-8").lower()
    asked = [
        *project["project"]["dependencies"],
        *(name for group in project["dependency-groups"].values() for name in group),
    ]
    assert [name for name in map(canonical, asked) if f"`{name}`" not in text] == []
