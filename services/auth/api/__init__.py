"""All endpoints of `auth`."""

from services.auth.api import (
    account,
    api_tokens,
    inner,
    invitations,
    login,
    operator,
    own_sessions,
    passwords,
    second_factor,
    sessions,
)

ROUTERS = (
    passwords.router,
    invitations.router,
    login.router,
    second_factor.router,
    sessions.router,
    own_sessions.router,
    account.router,
    api_tokens.router,
    inner.router,
    operator.router,
)
