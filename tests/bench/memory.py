"""Memory: everything that `make run` leaves running, at rest, with the demo data loaded."""

import tempfile
import time
from pathlib import Path

from chassis.testing import free_port, wait_until
from portalctl.supervisor.broker import program
from tests.bench.processes import children, cpu_seconds, memory_mib, running, served_by_uvicorn
from tests.bench.report import Line, Section, say
from tests.portal import Portal, running_portal

GOAL_MIB = 700
QUIET_SECONDS = 3.0
QUIET_SHARE = 0.15

HOW = """The whole portal with its demo data, started for the second time by `make run`, once its processes together
use less than a seventh of one core for three seconds; beside it the first start, which has just loaded that data and
whose broker has not yet given back what it needed for it. Proportional (PSS): pages shared by several processes count
once in all; this is what the machine has less. Resident (RSS): shared pages count in each process. Anchors: a Python
process with an empty FastAPI application under uvicorn, and a nats-server with nothing in it."""


def bench() -> Section:
    """Two starts; there is nothing to alternate."""
    with tempfile.TemporaryDirectory(prefix="bench-memory-") as name:
        folder = Path(name)
        empty, broker = _anchors(folder)
        say("  starting the portal with its demo data ...")
        loading = _at_rest(folder / "home")
        say("  starting it again ...")
        found = _at_rest(folder / "home")
    total_rss, total_pss = map(sum, zip(*found.values(), strict=True))
    first_pss = sum(pss for _, pss in loading.values())
    pythons = len(found) - 1
    floor = f"{pythons} empty FastAPI processes and an empty broker: {pythons * empty[1] + broker[1]:,.0f} MiB"
    lines = [
        Line("all processes, proportional", f"{total_pss:,.0f} MiB", floor, f"< {GOAL_MIB} MiB", total_pss < GOAL_MIB),
        Line("... after the first start, which loaded the data", f"{first_pss:,.0f} MiB"),
        Line("all processes, resident", f"{total_rss:,.0f} MiB", f"{pythons * empty[0] + broker[0]:,.0f} MiB"),
    ]
    for process, (rss, pss) in found.items():
        anchor = broker if process == "nats" else empty
        lines.append(Line(f"... {process}", f"{pss:,.0f} MiB ({rss:,.0f} resident)", f"{anchor[1]:,.0f} MiB"))
    return Section("memory", "Memory at rest", HOW, lines)


def _at_rest(home: Path) -> dict[str, tuple[float, float]]:
    """Resident and proportional MiB of each process, once they have little to do."""
    with running_portal(home, demo=True) as portal:
        wait_until(lambda: _quiet(int(portal.run["pid"])), seconds=120, every=0.1)
        return {name: memory_mib(pid) for name, pid in _all_pids(portal).items()}


def _all_pids(portal: Portal) -> dict[str, int]:
    supervisor = int(portal.run["pid"])
    named = {"supervisor": supervisor, **portal.pids}
    others = {f"child {pid}": pid for pid in children(supervisor) if pid not in named.values()}
    return named | others


def _quiet(supervisor: int) -> bool:
    """It and its children."""
    before = cpu_seconds(supervisor)
    time.sleep(QUIET_SECONDS)
    return cpu_seconds(supervisor) - before < QUIET_SHARE * QUIET_SECONDS


def _anchors(folder: Path) -> tuple[tuple[float, float], tuple[float, float]]:
    """Of an empty application, and of an empty broker; (resident, proportional)."""
    log, port = folder / "log", free_port()
    with served_by_uvicorn("tests.bench.empty:app", port, log) as process:
        application = memory_mib(process.pid)
    port = free_port()
    config = folder / "nats.conf"
    config.write_text(f'listen: "127.0.0.1:{port}"\njetstream {{ store_dir: "{folder / "js"}" }}\n')
    with running([program(), "-c", config], log=log, port=port) as process:
        return application, memory_mib(process.pid)
