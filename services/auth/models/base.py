"""The base of the tables of `auth`."""

from typing import Any

from sqlalchemy import Result
from sqlalchemy.orm import DeclarativeBase

from chassis.db import new_metadata


class Base(DeclarativeBase):
    """All tables that `auth` owns."""

    metadata = new_metadata()


def changed_one(result: Result[Any]) -> bool:
    """Whether a conditional UPDATE hit its row: check and act in one statement."""
    return bool(getattr(result, "rowcount", 0) == 1)
