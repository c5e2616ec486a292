"""A process under the supervisor: started again, tied to its parent, stopped in time."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

from chassis.testing import eventually, wait_until
from portalctl.supervisor.child import Child, Recipe, how_it_ended, pause_after
from portalctl.supervisor.leash import Leash, held_at_the_end

FOREVER = "import time\nwhile True: time.sleep(1)\n"
DEAF = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf', flush=True)\n" + FOREVER


def recipe(folder: Path, program: str) -> Recipe:
    return Recipe("sleeper", [sys.executable, "-c", program], dict(os.environ), folder / "logs" / "sleeper.log", 0)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_pauses_grow_to_five_seconds_and_start_anew_after_a_steady_half_minute() -> None:
    pauses = [0.0]
    for _ in range(9):
        pauses.append(pause_after(0.01, pauses[-1]))

    assert pauses[1:] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]
    assert pause_after(31, 5.0) == 0.1


def test_ends_are_said_in_words() -> None:
    assert how_it_ended(-9) == "was killed by SIGKILL"
    assert how_it_ended(3) == "ended with code 3"


async def test_a_killed_process_comes_back_under_a_new_pid(tmp_path: Path, capsys) -> None:
    pids: list[int] = []
    child = Child(recipe(tmp_path, FOREVER), pids.append)
    await child.start()
    os.kill(child.pid, signal.SIGKILL)

    async def is_back() -> bool:
        return len(pids) == 2 and child.is_running

    await eventually(is_back)
    await child.stop(within_seconds=2)
    assert pids[0] != pids[1] == child.pid
    assert not is_alive(pids[1])
    assert "sleeper was killed by SIGKILL; starting it again" in capsys.readouterr().out


async def test_a_stopped_process_stays_away(tmp_path: Path) -> None:
    pids: list[int] = []
    child = Child(recipe(tmp_path, FOREVER), pids.append)
    await child.start()

    await child.stop(within_seconds=2)
    await asyncio.sleep(0.3)  # longer than the first pause before a restart

    assert len(pids) == 1
    assert not is_alive(pids[0])


async def test_one_that_ignores_sigterm_is_killed_in_time(tmp_path: Path) -> None:
    one = recipe(tmp_path, DEAF)
    child = Child(one, lambda _pid: None)
    await child.start()

    async def listens_no_more() -> bool:
        return "deaf" in one.log.read_text()

    await eventually(listens_no_more)
    async with asyncio.timeout(2):
        await child.stop(within_seconds=0.2)
    assert not is_alive(child.pid)


def test_children_die_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    program = f"""
        import asyncio, os, sys
        from pathlib import Path
        from portalctl.supervisor.child import Child, Recipe
        async def main():
            log = Path({str(tmp_path / "s.log")!r})
            one = Recipe("s", [sys.executable, "-c", {FOREVER!r}], dict(os.environ), log, 0)
            child = Child(one, lambda _pid: None)
            await child.start()
            print(child.pid, flush=True)
            await asyncio.sleep(60)
        asyncio.run(main())
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)

        parent.kill()

        wait_until(lambda: not is_alive(pid), seconds=5)


def test_a_leash_kills_what_was_held_and_spares_what_was_released() -> None:
    held, released = (subprocess.Popen([sys.executable, "-c", FOREVER]) for _ in range(2))
    leash = Leash()
    for process in (held, released):
        leash.hold(process.pid)
    leash.release(released.pid)

    leash.let_go()

    assert held.wait(5) == -signal.SIGKILL
    assert released.poll() is None
    released.kill()
    released.wait()


def test_a_number_that_was_given_to_a_new_process_is_held_again() -> None:
    assert held_at_the_end(["+1\n", "+2\n", "-1\n", "+3\n", "-3\n", "+1\n"]) == {1, 2}
