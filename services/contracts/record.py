"""What a contract of the feed must be like, and what it is found by. Pure. Rules: docs/rules/terms.md."""

import hashlib
from typing import Any

from events.base import InvalidEvent
from events.crm import ContractPosition, ContractUpserted
from services.contracts.terms import Agreement, Notice, longer_than_term

_COLUMNS = ("name", "site", "cost_centre", "signed_on", "starts_on", "min_term_months")
_DATES = ("cancelled_on", "ends_on", "charged_until", "telecom_service", "removed")
_LONGEST_SEARCH = 4000


def check(event: ContractUpserted) -> None:
    """Refuse what no date can be reckoned from; what is removed needs none.

    Raises:
        InvalidEvent: ``end_before_start``, ``renewal_without_term``, ``notice_longer_than_term`` or
            ``duplicate_position``, with the pointer of the field.
    """
    if event.removed:
        return
    if event.ends_on is not None and event.ends_on < event.starts_on:
        raise _refused("end_before_start", "The contract ends before it starts.", "/data/ends_on")
    if event.renewal_months and event.min_term_months is None:
        detail = "What has no minimum term cannot renew; it runs on until notice."
        raise _refused("renewal_without_term", detail, "/data/renewal_months")
    if longer_than_term(agreement_of(event)):
        detail = "The notice period is longer than the minimum term that it shall end."
        raise _refused("notice_longer_than_term", detail, "/data/notice/value")
    seen: set[str] = set()
    for at, position in enumerate(event.positions):
        if position.number in seen:
            detail = f"There are two positions with the number {position.number}."
            raise _refused("duplicate_position", detail, f"/data/positions/{at}/number")
        seen.add(position.number)
        _check_dates(event, position, f"/data/positions/{at}")


def _check_dates(event: ContractUpserted, position: ContractPosition, pointer: str) -> None:
    start = position.starts_on or event.starts_on
    if position.ends_on is not None and position.ends_on < start:
        raise _refused("end_before_start", "The position ends before it starts.", f"{pointer}/ends_on")
    if event.ends_on is not None and event.ends_on < start:
        raise _refused("end_before_start", "The position starts after the contract ends.", f"{pointer}/starts_on")


def _refused(reason: str, detail: str, pointer: str) -> InvalidEvent:
    return InvalidEvent(reason, detail, [{"pointer": pointer, "detail": detail}])


def agreement_of(event: ContractUpserted) -> Agreement:
    """What the date engine needs."""
    rule = event.notice
    return Agreement(
        starts_on=event.starts_on,
        min_term_months=event.min_term_months,
        renewal_months=event.renewal_months or 0,
        notice=Notice(rule.value, rule.unit, rule.to),
        cancelled_on=event.cancelled_on,
        ends_on=event.ends_on,
    )


def columns_of(event: ContractUpserted) -> dict[str, Any]:
    """Everything of a contract's row that comes from the feed."""
    return {name: getattr(event, name) for name in (*_COLUMNS, *_DATES)} | {
        "renewal_months": event.renewal_months or 0,
        "notice_value": event.notice.value,
        "notice_unit": event.notice.unit,
        "notice_to": event.notice.to,
        "feed_version": event.version,
        "content_sha256": content_sha256(event),
        "search_text": search_text(event),
    }


def positions_of(event: ContractUpserted) -> list[dict[str, Any]]:
    """The rows of the positions, without their contract."""
    return [
        {
            "place": place,
            "number": position.number,
            "quantity": format(position.quantity.normalize(), "f"),
            "unit": position.unit,
            "product": position.product,
            "telecom_service": position.telecom_service,
            "starts_on": position.starts_on,
            "ends_on": position.ends_on,
            "characteristics": dict(position.characteristics),
        }
        for place, position in enumerate(event.positions)
    ]


def content_sha256(event: ContractUpserted) -> str:
    """The same for the same contract, whatever else the record said."""
    return hashlib.sha256(event.model_dump_json(exclude={"version"}).encode()).hexdigest()


def search_text(event: ContractUpserted) -> str:
    """Number, name, site, cost centre and products, in lower case."""
    words = [event.contract_number, event.name, event.site, event.cost_centre, *(p.product for p in event.positions)]
    return " ".join(word for word in words if word).casefold()[:_LONGEST_SEARCH]
