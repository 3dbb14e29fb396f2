from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import checks
import pytest


def texts(findings: Iterable[checks.Finding]) -> list[str]:
    return [str(finding) for finding in findings]


def test_the_repository_has_the_agreed_top_level(root: Path) -> None:
    assert texts(checks.top_level(root)) == []


def test_something_else_at_the_top_is_named_and_what_tools_make_is_not(tmp_path: Path) -> None:
    for name in ("app", ".venv", ".ci", "build", "docs"):
        (tmp_path / name).mkdir()
    (tmp_path / "notes.txt").write_text("")
    assert [finding.where for finding in checks.top_level(tmp_path)] == ["docs", "notes.txt"]


@pytest.mark.parametrize(("lines", "expected"), [(400, []), (401, [False]), (600, [False]), (601, [True])])
def test_module_length(tmp_path: Path, lines: int, expected: list[bool]) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "long.py").write_text("x = 1\n" * lines)
    assert [finding.fails for finding in checks.module_length(tmp_path)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "https://py" + "pi.org/project/x",
        "--extra-" + "index-url x",
        "cp .." + "/shared/design/01.png .",
        "/ro" + "ot/.cache",
        '"' + "/wo" + 'rk/main/app"',
    ],
)
def test_names_the_project_must_not_know_are_found_with_their_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "note.md").write_text(f"first\n{text}\n")
    assert [finding.where for finding in checks.forbidden_names(tmp_path)] == ["app/note.md:2"]


@pytest.mark.parametrize("text", ["uv pip compile --no-emit-index-url", "/home/ada/work/main.csv", "the root/ folder"])
def test_harmless_text_is_left_alone(tmp_path: Path, text: str) -> None:
    (tmp_path / "README.md").write_text(text)
    assert texts(checks.forbidden_names(tmp_path)) == []


def test_pictures_and_what_tools_leave_behind_are_not_read(tmp_path: Path) -> None:
    hidden = tmp_path / ".venv"
    hidden.mkdir()
    (hidden / "pip.conf").write_text("https://py" + "pi.org")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff\xfe https://py" + b"pi.org")
    assert texts(checks.forbidden_names(tmp_path)) == []


def test_packaging_and_resources_never_become_packages(tmp_path: Path) -> None:
    (tmp_path / "packaging" / "windows").mkdir(parents=True)
    (tmp_path / "packaging" / "windows" / "__init__.py").write_text("")
    assert [finding.where for finding in checks.no_packages(tmp_path)] == ["packaging/windows/__init__.py"]


def test_icons_need_a_test_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "icons.py").write_text("import qtawesome\n")
    assert len(texts(checks.icons_tested(tmp_path))) == 1
    (tmp_path / "tests" / "ui").mkdir(parents=True)
    (tmp_path / "tests" / "ui" / "test_theme.py").write_text("for name in ICONS: pass\n")
    assert texts(checks.icons_tested(tmp_path)) == []


def test_main_fails_only_on_errors(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    think, error = checks.Finding("a.py", "long", fails=False), checks.Finding("b.py", "too long")
    monkeypatch.setattr(checks, "CHECKS", (lambda _root: iter([think]),))
    assert checks.main() == 0
    monkeypatch.setattr(checks, "CHECKS", (lambda _root: iter([think, error]),))
    assert checks.main() == 1
    assert "think: a.py: long\nerror: b.py: too long\n" in capsys.readouterr().out
