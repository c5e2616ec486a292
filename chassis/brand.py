"""The operator's own data from ``brand.toml``: shown in the app and in every mail."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]
Link = Annotated[str, StringConstraints(pattern=r"^https://", max_length=500)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Support(_Frozen):
    """Whom to ask about the portal."""

    person: str
    email: str
    phone: str


class Legal(_Frozen):
    """Links that the law wants."""

    imprint: Link
    privacy: Link
    processing_agreement: Link
    security_txt: Link


class Authenticator(_Frozen):
    """An app that customers may take, with its store links; empty where there is none."""

    name: str
    ios: Link | Annotated[str, StringConstraints(max_length=0)] = ""
    android: Link | Annotated[str, StringConstraints(max_length=0)] = ""


class Site(_Frozen):
    """A data centre, in degrees (WGS 84)."""

    name: str
    latitude: float
    longitude: float


class Brand(_Frozen):
    """All of ``brand.toml``."""

    name: str
    short_name: str
    portal_name: str
    logo: str = ""
    accent: Colour
    accent_dark: Colour
    sender: str
    support: Support
    legal: Legal
    authenticator: tuple[Authenticator, ...] = ()
    sites: tuple[Site, ...] = ()


@cache
def load_brand(path: Path) -> Brand:
    """Read and check the file.

    Raises:
        pydantic.ValidationError: a value is missing or wrong; the process must not start.
    """
    return Brand.model_validate(tomllib.loads(path.read_text("utf-8")))
