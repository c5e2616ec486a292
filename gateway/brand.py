"""The operator's name, colours and links for the browser app, and its logo."""

import hashlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from chassis.brand import Authenticator, Brand, Legal, Site, Support
from gateway.call import Call
from gateway.headers import API_POLICY
from gateway.webapp import ASK_AGAIN, StaticFile, WebApp, media_type_of

LOGO_KINDS = ("image/svg+xml", "image/png", "image/webp", "image/jpeg")
LOGO_POLICY = b"default-src 'none'; style-src 'unsafe-inline'; sandbox"


class PublicBrand(BaseModel):
    """What the browser app shows of the operator."""

    model_config = ConfigDict(frozen=True)

    name: str
    short_name: str
    portal_name: str
    logo: str | None
    accent: str
    accent_dark: str
    support: Support
    legal: Legal
    authenticator: tuple[Authenticator, ...]
    sites: tuple[Site, ...]


class BrandPage:
    """``GET /brand`` and the logo beside it."""

    def __init__(self, brand: Brand, folder: Path, web: WebApp) -> None:
        """``folder`` is where the brand file lies.

        Raises:
            ValueError: the logo is no picture that a browser shows.
        """
        logo = None
        if brand.logo:
            kind = media_type_of(brand.logo)
            if kind not in LOGO_KINDS:
                raise ValueError(f"the logo must be one of {LOGO_KINDS}")
            content = (folder / brand.logo).read_bytes()
            logo = f"/brand/logo-{hashlib.sha256(content).hexdigest()[:12]}{Path(brand.logo).suffix}"
            web.add(logo, StaticFile.of(kind, content), LOGO_POLICY)
        public = PublicBrand.model_validate(brand.model_dump() | {"logo": logo})
        self._file = StaticFile.of("application/json", public.model_dump_json().encode())

    async def serve(self, call: Call) -> None:
        """Asked for again each time, answered 304 as long as it stays."""
        await self._file.answer(call, ASK_AGAIN, API_POLICY)
