"""Gateway: what one process carries and what it adds, beside nginx with no check and nginx asking for each request."""

import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from joserfc.jwk import OKPKey

from chassis.testing import free_port
from gateway.authorize import CARRIED
from portalctl.nginx import Places, configuration
from tests.bench import nginx
from tests.bench.load import Latency, Target, latency, requests_per_second
from tests.bench.processes import ROOT, broker, cpu_seconds, program, running, served_by_uvicorn
from tests.bench.report import Line, Rounds, Section, say
from tests.bench.sessions import COOKIE

ROUNDS = 7
SECONDS = 3
PATH = "/api/v1/documents"
FILES = {"small.pdf": 100 * 1024, "large.pdf": 1024 * 1024}
FILE_PATH = "/api/v1/documents/0198c1c0-0000-7000-8000-000000000009/files/"

HOW = f"""One gateway process (`portalctl serve gateway`) carries a signed-in `GET` to an nginx that answers 1 kB
at once; session and rights come from a small ASGI application, which the gateway asks once in five seconds.
Anchors: (a) one nginx worker proxying to the same upstream over kept connections, with no check at all; (b) the same
worker with `auth_request` to a uvicorn process that looks the cookie up in a dictionary, for each request. As data
plane: one worker with the shipped `deploy/nginx/kundenportal.conf`, asking a second gateway at `/authorize`. Load:
`wrk -t1 -c32`, {ROUNDS} rounds of {SECONDS} s each, alternating. Processor time is what the proxy's own processes
used per request in those rounds; it depends least on who else wants the machine's cores. Added latency: requests sent
at set times over 32 kept connections, at half of what the gateway carried, timed from the moment each was due; the
median of the same rate sent straight to the upstream is taken off, round by round."""


@dataclass
class Carried:
    """Of one target, over all rounds."""

    rates: list[float] = field(default_factory=list)
    microseconds: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Stand:
    """Everything that listens; process ids whose processor time counts, by target."""

    direct: Target
    targets: dict[str, Target]
    pids: dict[str, list[int]]


def bench() -> Section:
    """All of it, some three minutes."""
    wrk = program("wrk")
    if wrk is None or program("nginx") is None:
        say("  skipped: wants nginx and wrk (Debian packages of these names)")
        missing = [Line("signed-in GET", "skipped", "nginx or wrk is absent", "", None)]
        return Section("gateway", "Gateway", HOW, missing)
    with tempfile.TemporaryDirectory(prefix="bench-gateway-") as name, _stand(Path(name)) as stand:
        carried = _throughput(wrk, stand)
        rate = Rounds(carried["gateway"].rates).median / 2
        answered = _latencies(stand, rate)
        files = [line for name, size in FILES.items() for line in _file_lines(wrk, stand, name, size)]
    return Section("gateway", "Gateway", HOW, [*_throughput_lines(carried), *files, *_latency_lines(answered, rate)])


@contextlib.contextmanager
def _stand(folder: Path) -> Iterator[Stand]:
    upstream, check, inner, free, checking, public = (free_port() for _ in range(6))
    binary = program("nginx") or "nginx"
    # nginx drops its rights and writes nothing here but its logs
    configured = nginx.proxies(folder, upstream_port=upstream, check_port=check, open_port=free, checking_port=checking)
    log = folder / "log"
    with contextlib.ExitStack() as stack:
        start = stack.enter_context
        start(running([binary, "-c", nginx.upstream(folder, upstream, FILES), "-p", folder], log=log, port=upstream))
        start(served_by_uvicorn("tests.bench.sessions:inner_answers", inner, log))
        asking = start(served_by_uvicorn("tests.bench.sessions:session_check", check, log))
        proxy = start(running([binary, "-c", configured, "-p", folder], log=log, port=checking))
        environment = {**_gateway_environment(folder, inner, upstream, public), "GATEWAY_NATS_URL": start(broker()).url}
        command = [sys.executable, "-m", "portalctl.main", "serve", "gateway"]
        gateway = start(running(command, log=log, environment=environment, port=public))
        plane, asked = start(_data_plane(folder, binary, environment, upstream))
        yield Stand(
            Target("direct", upstream, PATH, COOKIE),
            {
                "gateway": Target("gateway", public, PATH, COOKIE),
                "no check": Target("nginx, no check", free, PATH, COOKIE),
                "auth_request": Target("nginx, auth_request", checking, PATH, COOKIE),
                "data plane": plane,
            },
            {
                "gateway": [gateway.pid],
                "no check": [proxy.pid],
                "auth_request": [proxy.pid, asking.pid],
                "data plane": asked,
            },
        )


def _gateway_environment(folder: Path, inner: int, upstream: int, public: int) -> dict[str, str]:
    key = folder / "key.json"
    key.write_text(json.dumps(OKPKey.generate_key("Ed25519", {"kid": "bench"}).as_dict(private=True)))
    return {
        "PORTAL_HOME": str(folder),
        "GATEWAY_PORT": str(public),
        "GATEWAY_INNER_PORT": "0",
        "GATEWAY_PUBLIC_URL": f"http://localhost:{public}",
        "GATEWAY_AUTH_URL": f"http://127.0.0.1:{inner}",
        "GATEWAY_USERS_URL": f"http://127.0.0.1:{inner}",
        "GATEWAY_DOCUMENTS_URL": f"http://127.0.0.1:{upstream}",
        "GATEWAY_SIGNING_KEY_FILE": str(key),
        "GATEWAY_BRAND_FILE": str(ROOT / "brand.toml"),
        "GATEWAY_REQUESTS_PER_WINDOW": "1000000000",
    }


@contextlib.contextmanager
def _data_plane(
    folder: Path, binary: str, environment: dict[str, str], upstream: int
) -> Iterator[tuple[Target, list[int]]]:
    """nginx as shipped, with a gateway of its own that trusts it."""
    listen, public, inner = (free_port() for _ in range(3))
    places = Places(
        listen=f"127.0.0.1:{listen} backlog=1024",
        gateway=f"127.0.0.1:{public}",
        inner=f"127.0.0.1:{inner}",
        services=dict.fromkeys(CARRIED, f"127.0.0.1:{upstream}"),
        https=False,
    )
    file = nginx.written(folder, "plane", configuration(places))
    own = {"GATEWAY_PORT": str(public), "GATEWAY_INNER_PORT": str(inner), "GATEWAY_TRUSTED_PROXIES": "1"}
    command = [sys.executable, "-m", "portalctl.main", "serve", "gateway"]
    with (
        running(command, log=folder / "log", environment=environment | own, port=public) as gateway,
        running([binary, "-c", file, "-p", folder], log=folder / "log", port=listen) as proxy,
    ):
        yield Target("nginx, /authorize", listen, PATH, COOKIE), [gateway.pid, proxy.pid]


def _throughput(wrk: str, stand: Stand) -> dict[str, Carried]:
    carried = {name: Carried() for name in stand.targets}
    for target in stand.targets.values():
        requests_per_second(wrk, target, 1)
    for number in range(ROUNDS):
        for name, target in stand.targets.items():
            before = sum(cpu_seconds(pid) for pid in stand.pids[name])
            rate = requests_per_second(wrk, target, SECONDS)
            used = sum(cpu_seconds(pid) for pid in stand.pids[name]) - before
            carried[name].rates.append(rate)
            carried[name].microseconds.append(used / (rate * SECONDS) * 1e6)
        words = ", ".join(f"{name} {one.rates[-1]:,.0f}/s" for name, one in carried.items())
        say(f"  round {number + 1} of {ROUNDS}: {words}")
    return carried


def _file_lines(wrk: str, stand: Stand, name: str, size: int) -> list[Line]:
    targets = {
        each: replace(stand.targets[each], path=FILE_PATH + name) for each in ("gateway", "no check", "data plane")
    }
    rates: dict[str, list[float]] = {each: [] for each in targets}
    for number in range(ROUNDS):
        for each, target in targets.items():
            rates[each].append(requests_per_second(wrk, target, SECONDS))
        words = ", ".join(f"{each} {found[-1]:,.0f}/s" for each, found in rates.items())
        say(f"  round {number + 1} of {ROUNDS}, {size >> 10} KiB each: {words}")
    found = {each: Rounds(of_each) for each, of_each in rates.items()}
    of_open = {each: found[each].over(found["no check"]) for each in ("gateway", "data plane")}
    anchor = f"(a) {found['no check'].text('/s')}"
    plane = of_open["data plane"]
    return [
        Line(f"documents of {size >> 10} KiB through the data plane", found["data plane"].text("/s"), anchor),
        Line("... as a share of (a)", plane.text("", 2), "(a) = 1", ">= 0.7", plane.median >= 0.7),
        Line("... the gateway alone, as a share of (a)", of_open["gateway"].text("", 2), "(a) = 1"),
    ]


def _latencies(stand: Stand, rate: float) -> dict[str, list[Latency]]:
    targets = {"direct": stand.direct, "gateway": stand.targets["gateway"], "no check": stand.targets["no check"]}
    answered: dict[str, list[Latency]] = {name: [] for name in targets}
    for target in targets.values():
        latency(target, rate=rate, seconds=1)
    for number in range(ROUNDS):
        for name, target in targets.items():
            answered[name].append(latency(target, rate=rate, seconds=SECONDS))
        words = ", ".join(f"{name} {found[-1].median:.2f} ms" for name, found in answered.items())
        say(f"  round {number + 1} of {ROUNDS} at {rate:,.0f}/s: {words}")
    return answered


def _throughput_lines(carried: dict[str, Carried]) -> list[Line]:
    rates = {name: Rounds(one.rates) for name, one in carried.items()}
    times = {name: Rounds(one.microseconds) for name, one in carried.items()}
    of_open = rates["gateway"].over(rates["no check"])
    of_checking = rates["gateway"].over(rates["auth_request"])
    ours = rates["gateway"].text("/s")
    return [
        Line("signed-in GET through one gateway process", ours, f"(a) nginx, no check: {rates['no check'].text('/s')}"),
        Line("... as a share of (a)", of_open.text("", 2), "(a) = 1", ">= 0.25", of_open.median >= 0.25),
        Line("... beside (b)", ours, f"(b) nginx, auth_request: {rates['auth_request'].text('/s')}"),
        Line("... as a multiple of (b)", of_checking.text("", 2), "(b) = 1", "> 1", of_checking.median > 1),
        Line(
            "processor time per request",
            times["gateway"].text("µs"),
            f"(a) {times['no check'].text('µs')}; (b) {times['auth_request'].text('µs')}",
        ),
        *_plane_lines(rates, times),
    ]


def _plane_lines(rates: dict[str, Rounds], times: dict[str, Rounds]) -> list[Line]:
    of_open, of_own = (rates["data plane"].over(rates[name]) for name in ("no check", "gateway"))
    plane = rates["data plane"].text("/s")
    return [
        Line("the same through nginx as data plane", plane, f"(a) {rates['no check'].text('/s')}"),
        Line("... as a share of (a)", of_open.text("", 2), "(a) = 1", ">= 0.7", of_open.median >= 0.7),
        Line("... as a multiple of the gateway alone", of_own.text("", 2), "= 1"),
        Line("... processor time per request", times["data plane"].text("µs"), f"(a) {times['no check'].text('µs')}"),
    ]


def _latency_lines(answered: dict[str, list[Latency]], rate: float) -> list[Line]:
    median = {name: Rounds([one.median for one in found]) for name, found in answered.items()}
    p99 = {name: Rounds([one.p99 for one in found]) for name, found in answered.items()}
    added = median["gateway"].minus(median["direct"])
    anchor = median["no check"].minus(median["direct"])
    return [
        Line(
            f"added median latency at half load ({rate:,.0f}/s)",
            added.text("ms", 2),
            f"(a) adds {anchor.text('ms', 2)}",
            "< 1.5 ms",
            added.median < 1.5,
        ),
        Line(
            "99th percentile at half load, whole",
            p99["gateway"].text("ms", 2),
            f"direct {p99['direct'].text('ms', 2)}; (a) {p99['no check'].text('ms', 2)}",
        ),
    ]
