"""Debian's snmpd, snmp_exporter and Prometheus on loopback, set up as docs/operations/network-feeds.md says."""

import contextlib
import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from chassis.testing import free_port, wait_until

PROGRAMS = ("snmpd", "prometheus", "prometheus-snmp-exporter")
IF_MIB = "1.3.6.1.2.1.31.1.1.1"
LOOKUPS = {"ifName": f"{IF_MIB}.1", "ifAlias": f"{IF_MIB}.18"}
COUNTERS = {"ifHCInOctets": f"{IF_MIB}.6", "ifHCOutOctets": f"{IF_MIB}.10"}


def program(name: str) -> str | None:
    """Also where only root usually looks."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def missing() -> str:
    """Why the chain cannot run here; empty where it can."""
    absent = [name for name in PROGRAMS if program(name) is None]
    return f"not installed here: {', '.join(absent)} (Debian: snmpd prometheus prometheus-snmp-exporter)" * bool(absent)


@dataclass(frozen=True)
class Target:
    """Where Prometheus writes to, and with which token."""

    url: str
    token: str


@contextlib.contextmanager
def running_chain(folder: Path, target: Target, *, scrape_seconds: int = 1) -> Iterator[str]:
    """All three, until the block ends; yields the address of Prometheus."""
    snmp, exporter, prometheus = _free_udp_port(), free_port(), free_port()
    (folder / "snmpd.conf").write_text(
        f"agentaddress udp:127.0.0.1:{snmp}\nrocommunity public 127.0.0.1\nmaster no\npersistentDir {folder}\n"
    )
    (folder / "snmp.yml").write_text(json.dumps(exporter_modules()))
    (folder / "prometheus.yml").write_text(json.dumps(_prometheus(snmp, exporter, target, scrape_seconds)))
    commands = [
        [program("snmpd"), "-f", "-Lo", "-C", "-c", folder / "snmpd.conf", "-I", "-smux", "-p", folder / "snmpd.pid"],
        [
            program("prometheus-snmp-exporter"),
            f"--config.file={folder / 'snmp.yml'}",
            f"--web.listen-address=127.0.0.1:{exporter}",
        ],
        [
            program("prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{prometheus}",
        ],
    ]
    with contextlib.ExitStack() as stack:
        for number, command in enumerate(commands):
            stack.enter_context(_running([str(part) for part in command], folder / f"{number}.log"))
        address = f"http://127.0.0.1:{prometheus}"
        wait_until(lambda: _answers(f"{address}/-/ready"), seconds=30, every=0.1)
        yield address


def exporter_modules() -> dict[str, Any]:
    """What `prometheus-snmp-generator` would write for two counters, in the form of snmp_exporter 0.21."""
    index = [{"labelname": "ifIndex", "type": "gauge"}]
    lookups = [
        {"labels": ["ifIndex"], "labelname": name, "oid": oid, "type": "DisplayString"} for name, oid in LOOKUPS.items()
    ]
    metrics = [
        {"name": name, "oid": oid, "type": "counter", "help": name, "indexes": index, "lookups": lookups}
        for name, oid in COUNTERS.items()
    ]
    walk = [*COUNTERS.values(), *LOOKUPS.values()]
    return {"if_octets": {"version": 2, "auth": {"community": "public"}, "walk": walk, "metrics": metrics}}


def _prometheus(snmp: int, exporter: int, target: Target, seconds: int) -> dict[str, Any]:
    every = f"{seconds}s"
    return {
        "global": {"scrape_interval": every, "scrape_timeout": every},
        "scrape_configs": [
            {
                "job_name": "snmp",
                "metrics_path": "/snmp",
                "params": {"module": ["if_octets"]},
                "static_configs": [{"targets": [f"127.0.0.1:{snmp}"]}],
                "relabel_configs": [
                    {"source_labels": ["__address__"], "target_label": "__param_target"},
                    {"target_label": "instance", "replacement": "r1.nordwelle.example"},
                    {"target_label": "__address__", "replacement": f"127.0.0.1:{exporter}"},
                ],
            }
        ],
        "remote_write": [
            {
                "url": target.url,
                "authorization": {"credentials": target.token},
                "write_relabel_configs": [
                    {"source_labels": ["__name__"], "regex": "ifHC(In|Out)Octets", "action": "keep"}
                ],
                "queue_config": {"max_shards": 1, "batch_send_deadline": "1s"},
                "metadata_config": {"send": False},
            }
        ],
    }


@contextlib.contextmanager
def _running(command: list[str], log: Path) -> Iterator[None]:
    with log.open("ab") as words:
        process = subprocess.Popen(command, stdout=words, stderr=words)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError), urlopen(url, timeout=1) as answer:
        return bool(answer.status == 200)
    return False


def _free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
