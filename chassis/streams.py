"""Streams and durable consumers as the event registry says."""

from collections.abc import AsyncIterator

from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import NotFoundError

from events.registry import MAX_AGE_DAYS, STREAMS, consumers

ACK_WAIT_SECONDS = 5


async def undeclared(js: JetStreamContext, replicas: int) -> AsyncIterator[str]:
    """What is not as `declare` would make it."""
    for name in STREAMS:
        try:
            config = (await js.stream_info(name)).config
        except NotFoundError:
            yield f"stream {name}"
            continue
        if config.num_replicas != replicas or config.subjects != [STREAMS[name]]:
            yield f"stream {name} ({config.num_replicas} replicas, wanted {replicas})"
    for (stream, service), subjects in consumers().items():
        try:
            about = (await js.consumer_info(stream, service)).config
        except NotFoundError:
            yield f"consumer {service} on {stream}"
            continue
        if sorted(about.filter_subjects or [about.filter_subject or ""]) != sorted(subjects):
            yield f"consumer {service} on {stream} (its subjects)"


async def declare(js: JetStreamContext, replicas: int) -> list[str]:
    """Make what is missing, change what differs; returns what was done."""
    done = [f"stream {name}" for name in STREAMS if await _declare_stream(js, name, replicas)]
    for (stream, service), subjects in consumers().items():
        config = ConsumerConfig(
            durable_name=service,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT_SECONDS,
            max_deliver=-1,
            max_ack_pending=512,
            filter_subjects=subjects,
            deliver_policy=DeliverPolicy.ALL,
        )
        await js.add_consumer(stream, config)
        done.append(f"consumer {service} on {stream}")
    return done


async def _declare_stream(js: JetStreamContext, name: str, replicas: int) -> bool:
    wanted = StreamConfig(
        name=name,
        subjects=[STREAMS[name]],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        discard=DiscardPolicy.OLD,
        max_age=MAX_AGE_DAYS[name] * 86400,
        duplicate_window=120,
        num_replicas=replicas,
    )
    try:
        found = (await js.stream_info(name)).config
    except NotFoundError:
        await js.add_stream(wanted)
        return True
    same = ("subjects", "max_age", "num_replicas")
    if all(getattr(found, field) == getattr(wanted, field) for field in same):
        return False
    await js.update_stream(wanted)
    return True
