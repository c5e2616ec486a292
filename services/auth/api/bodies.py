"""Fields that several requests share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Username = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=254, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Password = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Token = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[\x21-\x7e]+$")]
Code = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=6, max_length=40, pattern=r"^[0-9A-Za-z \-]+$")
]


class Body(BaseModel):
    """A request body; a field that is not known is a mistake."""

    model_config = ConfigDict(extra="forbid")


class TokenBody(Body):
    """The secret of a link."""

    token: Token


class CodeBody(Body):
    """A code of the authenticator app, or a recovery code where that is allowed."""

    code: Code


class PasswordBody(Body):
    """The secret of a link with the password to set."""

    token: Token
    password: Password
