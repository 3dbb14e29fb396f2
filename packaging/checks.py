"""The shape of the repository: what lies where, how long modules are, and names that must not stand in it.

Run by `dev.py lint`; alone as `python3 packaging/checks.py`. To add a check, write a function that yields findings and put it
into CHECKS.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

TOP_LEVEL = frozenset({"pyproject.toml", "README.md", "LICENSE", "app", "resources", "tests", "packaging"})
MADE_HERE = frozenset({"build", "dist"})  # ignored by git
LINES_TO_THINK = 400
LINES_REFUSED = 600
NO_PACKAGES = ("packaging", "resources")  # an __init__.py in the first would shadow the library of that name

# The patterns are written so that they do not match themselves.
FORBIDDEN = {
    "the host of a package index": re.compile(
        r"pypi\.org|pythonhosted\.org|registry\.npmjs|registry\.yarnpkg|deb\.debian\.org|archive\.ubuntu\.com"
        r"|--(?:extra-)?index-url|/simpl[e]/|\"resolved\":\s*\"http"
    ),
    "a folder of somebody's workplace": re.compile(
        r"\.\./shared|\.\./\.library|/roo[t]/|(?<![\w.])/work/(?:main|shared)"
    ),
}


@dataclass(frozen=True)
class Finding:
    """Something to change, where it stands, and whether it fails the check or only asks to think."""

    where: str
    text: str
    fails: bool = True

    def __str__(self) -> str:
        return f"{'error' if self.fails else 'think'}: {self.where}: {self.text}"


def main() -> int:
    """Print what every check found; 1 when one of them fails."""
    findings = [finding for check in CHECKS for finding in check(ROOT)]
    for finding in findings:
        print(finding)
    return 1 if any(finding.fails for finding in findings) else 0


def top_level(root: Path) -> Iterator[Finding]:
    """Only the agreed entries stand at the top; names that begin with a dot belong to tools."""
    for entry in sorted(root.iterdir()):
        if entry.name not in TOP_LEVEL | MADE_HERE and not entry.name.startswith("."):
            yield Finding(entry.name, "is not part of the agreed top level")


def module_length(root: Path) -> Iterator[Finding]:
    """Long modules are split by reason to change."""
    for path in source_files(root, ".py"):
        lines = path.read_bytes().count(b"\n")
        if lines > LINES_REFUSED:
            yield Finding(_name(path, root), f"{lines} lines, more than {LINES_REFUSED}: split it")
        elif lines > LINES_TO_THINK:
            yield Finding(_name(path, root), f"{lines} lines, more than {LINES_TO_THINK}", fails=False)


def forbidden_names(root: Path) -> Iterator[Finding]:
    """The project stands alone: it knows no package index and no folder outside itself."""
    for path in source_files(root):
        text = _text(path)
        for what, pattern in FORBIDDEN.items():
            for match in pattern.finditer(text):
                line = text.count("\n", 0, match.start()) + 1
                yield Finding(f"{_name(path, root)}:{line}", f"names {what}: {match.group()}")


def no_packages(root: Path) -> Iterator[Finding]:
    """Folders that only hold files never become Python packages."""
    for name in NO_PACKAGES:
        for path in (root / name).rglob("__init__.py"):
            yield Finding(_name(path, root), f"{name}/ must not be a Python package")


def icons_tested(root: Path) -> Iterator[Finding]:
    """An icon name that does not exist shows only at run time, so a test asks for each of them."""
    users = [path for path in source_files(root / "app", ".py") if "qtawesome" in _text(path)]
    tests = (root / "tests" / "ui").rglob("test_*.py")
    if users and not any("ICONS" in test.read_text("utf-8") for test in tests):
        yield Finding(_name(users[0], root), "uses icons, and no test of the window asks for each of ICONS")


CHECKS: tuple[Callable[[Path], Iterator[Finding]], ...] = (
    top_level,
    module_length,
    forbidden_names,
    no_packages,
    icons_tested,
)


def source_files(root: Path, suffix: str = "") -> Iterator[Path]:
    """The files of a folder in order, without what tools and builds leave behind."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if _is_source_folder(name))
        # In a further work tree of a clone, `.git` is a file.
        yield from (Path(folder, name) for name in sorted(files) if name.endswith(suffix) and name != ".git")


def _is_source_folder(name: str) -> bool:
    if name in MADE_HERE or name == "__pycache__" or name.endswith(".egg-info"):
        return False
    return not name.startswith(".") or name in {".ci", ".github"}


def _text(path: Path) -> str:
    """A file's text; empty when it is no text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


if __name__ == "__main__":
    sys.exit(main())
