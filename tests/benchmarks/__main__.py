"""`python -m tests.benchmarks [start|counts|files|send|diff|crash|all] [--rows N] [--kills N] [--json]`: speed and memory.

Each part is a module with `run(rows: int | None) -> dict[str, float | int]`, and runs in a process of its own, so that one
part's memory is not another one's. `crash` kills runs for a quarter of an hour and is not among `all`. With
`--power-loss` (Linux, as root) the drive loses its power with each kill: `ext4-writeback`, `ext4`, `xfs` or `btrfs`.

`--json` prints one flat object; of keys that several parts have, the largest counts.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys

from tests.drives import SYSTEMS, WORST

PARTS = ("start", "counts", "files", "send", "diff")

Numbers = dict[str, float | int]


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.benchmarks", description="Speed and memory beside the raw tools.")
    parser.add_argument("part", nargs="?", default="all", choices=(*PARTS, "crash", "all"))
    parser.add_argument("--rows", type=int, help="rows or members; each part has its own default")
    parser.add_argument("--kills", type=int, help="crash: so many kills at least")
    parser.add_argument("--seed", type=int, help="crash: the same moments again; another one each time without it")
    parser.add_argument("--power-loss", nargs="?", const=WORST, choices=tuple(SYSTEMS), help="crash: on such a drive")
    parser.add_argument("--json", action="store_true", help="one flat JSON object on stdout, nothing else there")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here:
        module = importlib.import_module(f"tests.benchmarks.{arguments.part}")
        given = {"kills": arguments.kills, "seed": arguments.seed, "power_loss": arguments.power_loss}
        print(json.dumps(module.run(arguments.rows, **{name: n for name, n in given.items() if n is not None})))
        return 0
    results: dict[str, Numbers | None] = {}
    for part in PARTS if arguments.part == "all" else (arguments.part,):
        print(f"{part} ...", file=sys.stderr, flush=True)
        given = {"rows": arguments.rows, "kills": arguments.kills, "seed": arguments.seed}
        results[part] = measured(part, power_loss=arguments.power_loss, **given)
    if arguments.json:
        print(json.dumps(flat([numbers for numbers in results.values() if numbers is not None])))
    else:
        show(results)
    return 1 if None in results.values() else 0


def measured(part: str, *, power_loss: str | None = None, **given: int | None) -> Numbers | None:
    """The part's numbers from a fresh process, None when it failed; what it says goes to stderr."""
    command = [sys.executable, "-m", "tests.benchmarks", part, "--here"]
    if power_loss is not None:
        command = ["unshare", "--mount", *command, "--power-loss", power_loss]  # its mounts end with it
    for name, number in given.items():
        command += [] if number is None else [f"--{name}", str(number)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        print(f"{part} failed with status {done.returncode}", file=sys.stderr)
        return None
    numbers: Numbers = json.loads(done.stdout.splitlines()[-1])
    return numbers


def flat(parts: list[Numbers]) -> Numbers:
    """One object of all parts."""
    merged: Numbers = {}
    for numbers in parts:
        for key, value in numbers.items():
            merged[key] = max(value, merged[key]) if key in merged else value
    return merged


def show(results: dict[str, Numbers | None]) -> None:
    for part, numbers in results.items():
        print(part)
        for key, value in (numbers or {"failed": 1}).items():
            print(f"  {key:28} {value:>14,}")


if __name__ == "__main__":
    sys.exit(main())
