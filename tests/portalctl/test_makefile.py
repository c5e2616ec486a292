"""The Makefile: help by itself, and what `make run` hands on."""

import os
import re
import subprocess

from portalctl.home import ROOT


def make(*arguments: str) -> str:
    command = ["make", "--no-print-directory", *arguments]
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PORT", "DEMO"))
    }
    return subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, check=True).stdout


def test_make_alone_explains_every_target_that_people_call() -> None:
    text = (ROOT / "Makefile").read_text("utf-8")
    explained = set(re.findall(r"^([a-z-]+):.*##", text, re.MULTILINE))

    said = make()

    assert explained >= {
        "run",
        "test",
        "test-containers",
        "check",
        "fix",
        "bench",
        "faults",
        "openapi",
        "docs",
        "setup",
    }
    assert all(re.search(rf"^  {name} +\S", said, re.MULTILINE) for name in explained)
    assert "PORT=8080 DEMO=1 PORTAL_HOME=.portal" in said


def test_run_hands_port_demo_and_home_on() -> None:
    usual, other = make("-n", "run"), make("-n", "run", "PORT=9090", "DEMO=0", "PORTAL_HOME=/srv/portal")

    assert 'PORTAL_HOME=".portal" .venv/bin/portalctl run --port 8080 \n' in usual
    assert 'PORTAL_HOME="/srv/portal" .venv/bin/portalctl run --port 9090 --no-demo' in other
