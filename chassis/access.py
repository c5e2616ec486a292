"""What an endpoint asks of its caller. Each is a FastAPI dependency that yields the `Identity`.

Every route must have exactly one of them (`create_service` refuses to start otherwise): deny by default.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request

from chassis.db import utc_now
from chassis.errors import Forbidden, NotSignedIn, SecondFactorRequired, StepUpRequired
from chassis.identity import HEADER, Identity
from chassis.tenancy import SYSTEM, Tenant, act_for

Check = Callable[[Request], Awaitable[Identity]]


async def identity_of(request: Request) -> Identity:
    """Verify the gateway's statement; also an anonymous caller has one."""
    tokens = request.headers.getlist(HEADER)
    if len(tokens) != 1:
        raise NotSignedIn
    identity: Identity = await request.app.state.verifier.verify(tokens[0])
    request.state.identity = identity
    act_for(Tenant.of(identity))
    return identity


def complete(identity: Identity) -> Identity:
    """The one place that tells a whole session from half a one."""
    if not identity.complete:
        raise SecondFactorRequired if identity.is_person and identity.amr else NotSignedIn
    return identity


async def anyone(request: Request) -> Identity:
    """Also before sign-in; the route says why in its docstring. Whose data it may touch only its secret tells."""
    identity = await identity_of(request)
    act_for(SYSTEM)
    return identity


async def signed_in(request: Request) -> Identity:
    """A person in a browser with password and second factor."""
    identity = complete(await identity_of(request))
    if not identity.is_browser:
        raise Forbidden
    return identity


async def stepped_up(request: Request) -> Identity:
    """As `signed_in`, with a second factor not older than ten minutes."""
    identity = await signed_in(request)
    if not identity.stepped_up(utc_now()):
        raise StepUpRequired
    return identity


async def operator(request: Request) -> Identity:
    """The operator's staff."""
    identity = await signed_in(request)
    if not identity.is_operator:
        raise Forbidden
    return identity


async def operator_stepped_up(request: Request) -> Identity:
    """As `operator`, with a second factor not older than ten minutes."""
    identity = await operator(request)
    if not identity.stepped_up(utc_now()):
        raise StepUpRequired
    return identity


async def admin(request: Request) -> Identity:
    """An admin of the open customer, or the operator's staff who has it open."""
    identity = await signed_in(request)
    if identity.role not in ("admin", "operator"):
        raise Forbidden
    return identity


async def admin_stepped_up(request: Request) -> Identity:
    """As `admin`, with a second factor not older than ten minutes."""
    identity = await admin(request)
    if not identity.stepped_up(utc_now()):
        raise StepUpRequired
    return identity


async def gateway(request: Request) -> Identity:
    """Inner endpoints: only the gateway itself."""
    identity = await identity_of(request)
    if identity.sub != "gateway":
        raise NotSignedIn
    return identity


def module(*names: str) -> Check:
    """A person who may use one of these modules for the open customer; API tokens of ``<module>:read`` may GET.

    Raises (when called): NoCustomerChosen for an operator without one.
    """

    async def member_of_module(request: Request) -> Identity:
        identity = complete(await identity_of(request))
        if "api_token" in identity.amr and request.method not in ("GET", "HEAD"):
            raise Forbidden
        if not any(identity.may_read(name) for name in names):
            raise Forbidden
        _ = identity.customer_id
        return identity

    return _marked(member_of_module)


def machine(scope: str, *, or_operator: bool = False) -> Check:
    """A machine's API token with this scope; where said so also the operator's staff."""

    async def machine_with_scope(request: Request) -> Identity:
        identity = await identity_of(request)
        if identity.sub.startswith("machine:") and scope in identity.scopes:
            return identity
        if identity.sub == "anonymous":
            raise NotSignedIn
        if or_operator and identity.is_operator and identity.is_browser:
            return complete(identity)
        raise Forbidden

    return _marked(machine_with_scope)


CHECKS: set[Callable[..., object]] = {
    anyone,
    signed_in,
    stepped_up,
    operator,
    operator_stepped_up,
    admin,
    admin_stepped_up,
    gateway,
}
"""All access dependencies there are."""


def _marked(check: Check) -> Check:
    CHECKS.add(check)
    return check


Anyone = Annotated[Identity, Depends(anyone)]
SignedIn = Annotated[Identity, Depends(signed_in)]
SteppedUp = Annotated[Identity, Depends(stepped_up)]
Operator = Annotated[Identity, Depends(operator)]
OperatorSteppedUp = Annotated[Identity, Depends(operator_stepped_up)]
Admin = Annotated[Identity, Depends(admin)]
AdminSteppedUp = Annotated[Identity, Depends(admin_stepped_up)]
Gateway = Annotated[Identity, Depends(gateway)]
