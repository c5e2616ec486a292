"""Ports: free or not, and who holds them."""

import os
import socket
from collections.abc import Iterator

import pytest

from portalctl.supervisor.ports import INNER_PORTS, holder, is_free, pick


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield int(server.getsockname()[1])


def test_a_port_in_use_is_not_free_and_its_holder_is_named(taken: int) -> None:
    assert not is_free(taken)
    assert f"pid {os.getpid()}," in holder(taken)


def test_a_wanted_port_is_kept_when_free_and_replaced_when_not(taken: int) -> None:
    first = pick(None, set())

    assert first in INNER_PORTS
    assert pick(first, set()) == first
    assert pick(taken, set()) != taken
    assert pick(first, {first}) != first


def test_nobody_holds_a_free_port() -> None:
    assert holder(pick(None, set())) == ""
