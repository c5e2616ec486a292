"""`If-Match`: whoever changes something must have seen its newest state (RFC 9110)."""

from typing import Annotated

from fastapi import Header, Response

from chassis.errors import PreconditionFailed, PreconditionRequired

IfMatch = Annotated[str | None, Header(max_length=200, description='`"<version>"`, as the GET said in `ETag`')]


def check_version(if_match: str | None, version: int) -> None:
    """Compare with the newest state.

    Raises:
        PreconditionRequired: no If-Match.
        PreconditionFailed: another version.
    """
    if if_match is None:
        raise PreconditionRequired
    if not {f'"{version}"', "*"} & {tag.strip() for tag in if_match.split(",")}:
        raise PreconditionFailed


def show_version(response: Response, version: int) -> None:
    """For the `If-Match` of the next change."""
    response.headers["ETag"] = f'"{version}"'
