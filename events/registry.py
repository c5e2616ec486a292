"""All events in one place: streams, and which service listens to which subject."""

import events.auth
import events.billing
import events.contacts
import events.contracts
import events.crm
import events.documents
import events.metrics
import events.network
import events.users
from events.base import REGISTRY

__all__ = ["DEAD_LETTERS", "MAX_AGE_DAYS", "OWNERS", "REGISTRY", "STREAMS", "consumers"]

_ALL = (
    events.auth,
    events.billing,
    events.contacts,
    events.contracts,
    events.crm,
    events.documents,
    events.metrics,
    events.network,
    events.users,
)

DEAD_LETTERS = "DEAD_LETTERS"
OWNERS = ("billing", "crm", "network", "auth", "users", "documents", "metrics", "contracts", "contacts")
STREAMS = {owner.upper(): f"{owner}.>" for owner in OWNERS} | {DEAD_LETTERS: "dlq.>"}
"""Stream name to the subjects it keeps."""

MAX_AGE_DAYS = dict.fromkeys(STREAMS, 35) | {"NETWORK": 7}


def consumers() -> dict[tuple[str, str], list[str]]:
    """(stream, service) to the subjects which that service's durable consumer wants."""
    wanted: dict[tuple[str, str], list[str]] = {}
    for subject, event in sorted(REGISTRY.items()):
        for service in sorted(event.listeners):
            wanted.setdefault((event.owner().upper(), service), []).append(subject)
    return wanted
