"""Look at events that a service could not handle, and decide: try again, or drop.

``waiting`` ones are tried again by themselves; ``buried`` ones wait for somebody to decide.
"""

import argparse
import asyncio
import importlib
import json
from collections.abc import Awaitable, Callable

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.inbox import FailedEvent, drop, try_again
from portalctl.attach import attach
from portalctl.console import Failed, say
from portalctl.database import transaction
from portalctl.home import SERVICES

OPEN = ("waiting", "buried")


def arguments(parser: argparse.ArgumentParser) -> None:
    """What to do, where, with which ones."""
    parser.add_argument("action", choices=("list", "show", "retry", "drop"))
    parser.add_argument("service", choices=SERVICES)
    parser.add_argument("ids", nargs="*", type=int, help="for show, retry and drop")
    parser.add_argument("--all", action="store_true", help="retry or drop every buried one")


def run(chosen: argparse.Namespace) -> None:
    """One action in one transaction."""
    attach()
    if chosen.action != "list" and not chosen.ids and not (chosen.all and chosen.action != "show"):
        raise Failed(f"{chosen.action}: which ones? `portalctl dead-letters list {chosen.service}` shows their ids")
    asyncio.run(_act(chosen))


async def _act(chosen: argparse.Namespace) -> None:
    url = importlib.import_module(f"services.{chosen.service}.settings").settings().database_url
    async with transaction(url) as session:
        if chosen.action == "list":
            await _list(session)
            return
        for failed in await _chosen(session, chosen):
            await _ACTIONS[chosen.action](session, failed)


async def _list(session: AsyncSession) -> None:
    found = (await session.scalars(_open_ones())).all()
    for one in found:
        say(f"{one.id:>6}  {one.state:<8} {one.received_at:%Y-%m-%d %H:%M:%S}  {one.subject}  {one.reason}")
    say(f"{len(found)} in all")


async def _chosen(session: AsyncSession, chosen: argparse.Namespace) -> list[FailedEvent]:
    wanted = _open_ones()
    wanted = wanted.where(FailedEvent.state == "buried") if chosen.all else wanted.where(FailedEvent.id.in_(chosen.ids))
    found = list(await session.scalars(wanted.with_for_update()))
    missing = set(chosen.ids) - {one.id for one in found}
    if missing:
        raise Failed(f"not there, or settled already: {', '.join(map(str, sorted(missing)))}")
    return found


async def _show(_session: AsyncSession, failed: FailedEvent) -> None:
    fields = ("id", "delivery", "subject", "state", "attempts", "reason", "detail", "received_at", "next_try_at")
    for name in fields:
        say(f"{name:<12} {getattr(failed, name)}")
    say(f"{'headers':<12} {json.dumps(failed.headers, ensure_ascii=False)}")
    say(failed.payload[:4000].decode("utf-8", "replace"))
    if len(failed.payload) > 4000:
        say(f"... {len(failed.payload)} bytes in all")


async def _retry(session: AsyncSession, failed: FailedEvent) -> None:
    await try_again(session, failed)
    say(f"{failed.id}: will be tried again")


async def _drop(_session: AsyncSession, failed: FailedEvent) -> None:
    drop(failed)
    say(f"{failed.id}: dropped")


def _open_ones() -> Select[FailedEvent]:
    return select(FailedEvent).where(FailedEvent.state.in_(OPEN)).order_by(FailedEvent.id)


_ACTIONS: dict[str, Callable[[AsyncSession, FailedEvent], Awaitable[None]]] = {
    "show": _show,
    "retry": _retry,
    "drop": _drop,
}
