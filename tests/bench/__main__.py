"""`python -m tests.bench [PART ...] [--write]`: measures, prints figures beside anchors, fails on a missed goal."""

import argparse
import importlib
import sys

from tests.bench.report import Section, say, write_page

PARTS = ("gateway", "events", "listing", "metrics", "memory", "contracts", "dashboard", "exchange", "signin", "sizing")


def main() -> int:
    """0 when every goal is met, 1 when one is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; none: all")
    parser.add_argument("--write", action="store_true", help="also into docs/bench.md")
    chosen = parser.parse_args()
    if unknown := set(chosen.parts) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}")
    sections: list[Section] = []
    for part in chosen.parts or PARTS:
        say(f"{part}:")
        section: Section = importlib.import_module(f"tests.bench.{part}").bench()
        sections.append(section)
        sys.stdout.write(section.table())
        sys.stdout.flush()
        if chosen.write:
            write_page([section])
    missed = [line.figure for section in sections for line in section.lines if line.met is False]
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
