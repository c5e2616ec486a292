"""Who may say and hear what on the broker: one user for each service and feed, straight from the event registry."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from events.registry import REGISTRY, STREAMS, consumers
from gateway.listening import CHANGES, NEWS
from portalctl.home import FEEDS, NATS_USERS, SERVICES

HEADER = """\
# Generated from the event registry by `portalctl nats permissions`; a test holds it against the code. Never edit it.
# Each password comes from the environment of nats-server: NATS_AUTH_PASSWORD, NATS_USERS_PASSWORD, ...
"""
_DECLARING = (
    "STREAM.INFO.*",
    "STREAM.CREATE.*",
    "STREAM.UPDATE.*",
    "CONSUMER.INFO.*.*",
    "CONSUMER.CREATE.*.>",
    "CONSUMER.DURABLE.CREATE.*.*",
    "CONSUMER.CREATE.*",
    "CONSUMER.MSG.NEXT.*.*",
)
"""What `nats apply` and `check` ask, and `heal` reads; nothing that removes or empties a stream."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """Subjects one user may publish to, and may subscribe to. Everything else is refused."""

    publish: Sequence[str]
    subscribe: Sequence[str]


def permissions_of(user: str) -> Permissions:
    """What this service, feed or command line needs, and nothing more."""
    if user == "portalctl":
        publish = [f"$JS.API.{call}" for call in _DECLARING]
    elif user == "gateway":
        publish = _listening()
    elif user in FEEDS:
        publish = _own(user)
    else:
        publish = [*_own(user), f"dlq.{user}", *_consuming(user)]
    return Permissions(publish, [f"_INBOX_{user}.>"])


def authorization(password_of: Callable[[str], str]) -> str:
    """The ``authorization`` block of nats-server's configuration; passwords are written as they are given."""
    users = "\n".join(_user(user, password_of(user)) for user in NATS_USERS)
    return f"authorization {{\n  users: [\n{users}\n  ]\n}}\n"


def shipped() -> str:
    """``deploy/nats/users.conf``: passwords by reference to the environment."""
    return HEADER + authorization(lambda user: f"$NATS_{user.upper()}_PASSWORD")


def _user(user: str, password: str) -> str:
    allowed = permissions_of(user)
    # JSON strings are valid in this format
    return f"""    {{
      user: {user}
      password: {password}
      permissions: {{
        publish: {{ allow: {_list(allowed.publish)} }}
        subscribe: {{ allow: {_list(allowed.subscribe)} }}
      }}
    }}"""


def _list(subjects: Sequence[str]) -> str:
    lines = "".join(f"\n          {json.dumps(subject)}" for subject in subjects)
    return f"[{lines}\n        ]"


def _own(user: str) -> list[str]:
    return sorted(subject for subject, event in REGISTRY.items() if event.owner() == user)


def _consuming(service: str) -> list[str]:
    """Its own durable consumers: fetch from them, acknowledge to them."""
    assert service in SERVICES, service
    streams = [stream for stream, listener in consumers() if listener == service]
    return [
        subject
        for stream in streams
        for subject in (
            f"$JS.API.CONSUMER.INFO.{stream}.{service}",
            f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{service}",
            f"$JS.ACK.{stream}.{service}.>",
        )
    ]


def _listening() -> list[str]:
    """Each replica of the gateway makes consumers of its own, on the streams it tells pages of and no others."""
    streams = [stream for stream in STREAMS if stream in CHANGES or stream in NEWS]
    return [
        f"$JS.API.{call}"
        for stream in streams
        for call in (
            f"STREAM.INFO.{stream}",
            f"CONSUMER.CREATE.{stream}",
            f"CONSUMER.CREATE.{stream}.>",
            f"CONSUMER.INFO.{stream}.*",
            f"CONSUMER.MSG.NEXT.{stream}.*",
        )
    ]
