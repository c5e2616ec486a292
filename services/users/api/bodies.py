"""Fields that several bodies share."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

Language = Literal["de", "en"]
Module = Literal["invoices", "call_records", "exchange", "graphs", "contracts", "contacts"]
_NO_CONTROLS = r"^[^\x00-\x1f\x7f]+$"
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=_NO_CONTROLS, strip_whitespace=True)]
CompanyName = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=_NO_CONTROLS, strip_whitespace=True)
]
Number = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_NO_CONTROLS)]
Domain = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$", max_length=253)]
# ASCII local part and domain: what every mail server takes; checked again by the mail server itself
Email = Annotated[
    str,
    StringConstraints(
        max_length=254,
        pattern=r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([A-Za-z0-9-]+\.)+[A-Za-z0-9-]+$",
    ),
]


class Body(BaseModel):
    """What comes in: nothing unknown, nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True)
