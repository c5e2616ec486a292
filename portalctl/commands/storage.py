"""The object store of `documents`: make its bucket or folder where it is missing. May be repeated."""

import argparse
import asyncio

from chassis.consumer import DependencyDown
from portalctl.attach import attach
from portalctl.console import Failed, say
from services.documents.settings import settings
from services.documents.storage import storage_at


def arguments(parser: argparse.ArgumentParser) -> None:
    """`apply`."""
    parser.add_argument("action", choices=("apply",))


def run(_chosen: argparse.Namespace) -> None:
    """Says where, and whether it is new.

    Raises:
        Failed: the store does not answer or refuses.
    """
    attach()
    chosen = settings()
    secret_key = chosen.storage_secret_key.get_secret_value()
    store = storage_at(chosen.storage_url, access_key=chosen.storage_access_key, secret_key=secret_key)
    try:
        made = asyncio.run(store.prepare())
    except (DependencyDown, OSError) as error:
        raise Failed(f"DOCUMENTS_STORAGE_URL: the store did not do it: {error}") from error
    say(f"{chosen.storage_url.partition('?')[0]}: {'made' if made else 'there'}")
