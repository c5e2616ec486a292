"""Figures of the runs, for whoever reads."""

import sys


def say(text: str) -> None:
    """Shown by pytest with -s, and with every failure."""
    sys.stdout.write(f"\n{text}\n")
