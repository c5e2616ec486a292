"""What `auth` and `users` say about a credential, asked over their inner endpoints."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from chassis.errors import Unavailable
from chassis.identity import Identity
from chassis.logging import log
from gateway.caller import Credential
from gateway.connection import UpstreamDown
from gateway.signing import Signer, TokenCache
from gateway.upstream import Upstream

ANSWER_SECONDS = 3.0

M = TypeVar("M", bound=BaseModel)


class Principal(BaseModel):
    """The answer of `auth` to ``POST /inner/principal``."""

    model_config = ConfigDict(frozen=True)

    kind: str
    user_id: str | None = None
    session_id: str | None = None
    customer_id: str | None = None
    amr: tuple[str, ...] = ()
    step_up_at: int | None = None
    scopes: tuple[str, ...] = ()
    name: str = ""
    expires_at: datetime | None = None


class Authorisation(BaseModel):
    """The answer of `users` to ``POST /inner/authorisation``."""

    model_config = ConfigDict(frozen=True)

    active: bool
    name: str = ""
    language: str = "de"
    time_zone: str = ""
    """Of the open customer."""
    role: str | None = None
    staff_role: str | None = None
    customer_id: str | None = None
    modules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Directory:
    """Asks the two services. A 401 is an answer; silence and everything else is not."""

    auth: Upstream
    users: Upstream
    signer: Signer
    tokens: TokenCache

    async def principal(self, credential: Credential, *, touch: bool) -> Principal | None:
        """Who shows this, or none.

        Raises:
            Unavailable: `auth` did not say.
        """
        body = {credential.kind: credential.secret, "touch": touch}
        answer = await self._ask(self.auth, b"/inner/principal", body)
        return None if answer is None else _checked(Principal, answer)

    async def authorisation(self, user_id: str, customer_id: str | None) -> Authorisation | None:
        """What the person may do for the customer, or none.

        Raises:
            Unavailable: `users` did not say.
        """
        body = {"user_id": user_id, "customer_id": customer_id}
        answer = await self._ask(self.users, b"/inner/authorisation", body)
        authorisation = None if answer is None else _checked(Authorisation, answer)
        return authorisation if authorisation is not None and authorisation.active else None

    async def _ask(self, service: Upstream, path: bytes, body: dict[str, Any]) -> bytes | None:
        token = self.signer.token(Identity(sub="gateway"), service.name, self.tokens)
        payload = json.dumps(body).encode()
        head = (
            b"POST %b HTTP/1.1\r\nhost: %b\r\nx-identity: %b\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\n\r\n%b" % (path, service.host_header, token, len(payload), payload)
        )
        try:
            answer = await service.call(head, seconds=ANSWER_SECONDS)
        except UpstreamDown as error:
            log.warning("lookup_failed", upstream=service.name, cause=str(error)[:200])
            raise Unavailable(headers={"Retry-After": "2"}) from None
        if answer.status in (401, 404):
            return None
        if answer.status != 200:
            log.error("lookup_refused", upstream=service.name, status_code=answer.status)
            raise Unavailable(headers={"Retry-After": "2"})
        return answer.body


def _checked(kind: type[M], answer: bytes) -> M:
    try:
        return kind.model_validate_json(answer)
    except ValidationError as error:
        log.error("lookup_not_understood", kind=kind.__name__, fields=[str(item["loc"]) for item in error.errors()])
        raise Unavailable from None
