"""What each caller must get from each operation. Written by hand; complete or the test fails."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.world import Company

CALLERS = ("nobody", "half", "graphs_only", "reader", "admin", "operator", "operator_here", "machine")
"""What a `Row` says one by one."""
LIKE = {
    "deactivated": "nobody",
    "signed_out": "nobody",
    "revoked_token": "nobody",
    "of_two": "reader",
    "other_admin": "admin",
}
"""Callers who get what another one gets: whoever was thrown out is nobody; of two companies the open one counts."""
SCOPES = ("invoices", "call_records", "exchange", "graphs", "contracts", "contacts")
TOKENS = tuple(f"token_{scope}" for scope in SCOPES)
"""An admin's API token for one module, which reads and nothing else."""
MACHINES = ("machine_network",)
EVERY_MODULE = "*"
"""Of a `Row` that shows each token what its module has."""
EVERYBODY = (*CALLERS, *LIKE, *TOKENS, *MACHINES)
Cell = int | tuple[int, ...] | None
Ids = dict[str, Callable[[Company], str]]


@dataclass(frozen=True)
class Row:
    """How an operation is called, and the status for each of `CALLERS`; none where trying would spoil the stage.

    Attributes:
        cells: On the company's own things.
        path: Path parameters, taken from the company.
        body: Made from the company; from none when an unknown id is wanted.
        owned: Names a thing of a company, so a foreign and an unknown one are tried too.
    """

    cells: tuple[Cell, ...]
    path: Ids = field(default_factory=dict)
    body: Callable[[Company | None], Any] | None = None
    query: dict[str, Any] = field(default_factory=dict)
    owned: bool = False
    everywhere: tuple[str, ...] = ()
    """Callers for whom a thing of every company is their own: the operator's staff on the operator's pages."""
    module: str = ""
    """Whose API tokens may read it."""
    scope: str = ""
    """Which machine's token it wants."""
    headers: dict[str, str] = field(default_factory=dict)

    def expected(self, operation: str, caller: str, owner: str) -> set[int] | None:
        """The statuses that are right; a refusal by role stays one, everything else of others does not exist."""
        cell = self._cell(operation, LIKE.get(caller, caller))
        if cell is None:
            return None
        own = {cell} if isinstance(cell, int) else set(cell)
        if owner == "own" or (owner == "foreign" and caller in self.everywhere) or own & {401, 403, 409}:
            return own
        return {404}

    def _cell(self, operation: str, caller: str) -> Cell:
        said = dict(zip(CALLERS, self.cells, strict=True))
        if caller in TOKENS:
            return self._cell_of_token(said, operation, caller.removeprefix("token_"))
        if caller in ("machine", *MACHINES):
            is_theirs = self.scope in ("", "network" if caller in MACHINES else "billing")
            return said["machine"] if is_theirs else 403
        return said[caller]

    def _cell_of_token(self, said: dict[str, Cell], operation: str, scope: str) -> Cell:
        if said["nobody"] != 401:
            return said["nobody"]
        if self.module == "invoices" and scope == "call_records":
            # The same list: invoices are left out of it.
            return 404 if self.owned else said["admin"]
        reads = operation.startswith("GET ") and self.module in (scope, EVERY_MODULE)
        return said["admin"] if reads else (401, 403)


def for_all(status: Cell, body: Any = None) -> Row:
    """Before sign-in, by design."""
    return Row((status,) * len(CALLERS), body=None if body is None else lambda _company: body)


def with_module(status: Cell, **more: Any) -> Row:
    """Whoever has the module `invoices`; an operator must choose a customer first; machines are no readers."""
    return Row((401, 401, 403, status, status, 409, status, 401), module="invoices", **more)


def with_contacts(status: Cell, **more: Any) -> Row:
    """Whoever has the module `contacts`: here the admin and the operator's staff."""
    return Row((401, 401, 403, 403, status, 409, status, 401), module="contacts", **more)


def with_contracts(status: Cell, **more: Any) -> Row:
    """Whoever has the module `contracts`: here the admin and the operator's staff."""
    return Row((401, 401, 403, 403, status, 409, status, 401), module="contracts", **more)


def with_graphs(status: Cell, **more: Any) -> Row:
    """Whoever has the module `graphs`."""
    return Row((401, 401, status, 403, status, 409, status, 401), module="graphs", **more)


def for_admins(status: Cell, **more: Any) -> Row:
    return Row((401, 401, 403, 403, status, 409, status, 401), **more)


def for_operators(status: Cell, **more: Any) -> Row:
    return Row((401, 401, 403, 403, 403, status, status, 401), **more)


def for_people(status: Cell, **more: Any) -> Row:
    return Row((401, 401, status, status, status, status, status, 401), **more)


def for_machines(status: Cell, **more: Any) -> Row:
    return Row((401, 401, 403, 403, 403, 403, 403, status), scope="billing", **more)


def with_exchange(status: Cell, *, operator_here: Cell = None, **more: Any) -> Row:
    """Whoever has the module `exchange`; the operator's staff see the same drive, but not each other's uploads."""
    here = status if operator_here is None else operator_here
    return Row((401, 401, 403, 403, status, 409, here, 401), module="exchange", **more)


TOKEN = {"token": "x" * 43}
CUSTOMER: Ids = {"customer_id": lambda company: company.customer.id}
MEMBER: Ids = {"membership_id": lambda company: company.row()}
DOCUMENT: Ids = {"document_id": lambda company: company.documents[0]}
FILE: Ids = DOCUMENT | {"file_id": lambda company: company.files[0]}
CONTACT: Ids = {"contact_id": lambda company: company.contact()}
CONTRACT: Ids = {"contract_id": lambda company: company.contract()}
LINE: Ids = {"line_id": lambda company: company.line()}
GROUP: Ids = {"group_id": lambda company: company.group()}
UPLOAD: Ids = {"upload_id": lambda company: company.upload()}
FOLDER: Ids = {"folder_id": lambda company: company.folder()}
ENTRY: Ids = {"entry_id": lambda company: company.folder()}
DRIVE_FILE: Ids = {"file_id": lambda company: company.file()}
TUS = {"Tus-Resumable": "1.0.0"}
LETTER: Ids = {"letter_id": lambda _company: "999999999"}
STAFF = ("operator", "operator_here")

TABLE: dict[str, Row] = {
    "GET /auth/password-rules": for_all(200),
    "POST /auth/login": for_all(422, {}),
    "POST /auth/login/second-factor": for_all((401, 422), {}),
    "POST /auth/password-reset": for_all(422, {}),
    "POST /auth/password-reset/check": for_all(404, TOKEN),
    "POST /auth/password-reset/complete": for_all(404, TOKEN | {"password": "Seekabel-1872!"}),
    "POST /auth/invitations/check": for_all(404, TOKEN),
    "POST /auth/invitations/accept": for_all(404, TOKEN | {"password": "Seekabel-1872!"}),
    "POST /auth/invitations/renew": for_all(404, TOKEN),
    "POST /auth/second-factor/enrolment": Row((401, (409, 401), None, None, None, None, None, 401), body=lambda _c: {}),
    "POST /auth/second-factor/enrolment/confirm": for_all((401, 403, 409, 422), {}),
    "GET /auth/session": for_people(200),
    "DELETE /auth/session": Row((401, 401, None, None, None, None, None, 401)),
    "POST /auth/session/customer": Row(
        (401, 401, 200, 200, 200, None, None, 401),
        body=lambda company: {"customer_id": company.customer.id if company else str(uuid4())},
        owned=True,
    ),
    "POST /auth/step-up": for_people(422, body=lambda _company: {}),
    "PUT /auth/password": for_people(422, body=lambda _company: {}),
    "POST /auth/email": for_people(422, body=lambda _company: {}),
    "POST /auth/email/confirm": for_all(404, TOKEN),
    "POST /auth/recovery-codes": Row((401, 401, None, None, None, None, None, 401)),
    "GET /auth/sessions": for_people(200),
    "DELETE /auth/sessions/{session_id}": for_people(404, path={"session_id": lambda _company: str(uuid4())}),
    "GET /auth/sign-ins": for_people(200),
    "GET /auth/api-tokens": for_people(200),
    "POST /auth/api-tokens": for_people(422, body=lambda _company: {}),
    "DELETE /auth/api-tokens/{token_id}": for_people(404, path={"token_id": lambda _company: str(uuid4())}),
    **{f"GET /auth/operator/{pile}": for_operators(200) for pile in ("mails", "dead-letters", "health")},
    **{
        f"POST /auth/operator/mails/{{mail_id}}/{what}": for_operators(404, path={"mail_id": lambda _c: str(uuid4())})
        for what in ("retry", "drop")
    },
    **{
        f"POST /auth/operator/dead-letters/{{letter_id}}/{what}": for_operators(404, path=LETTER)
        for what in ("retry", "drop")
    },
    "GET /users/me": for_people(200),
    "PATCH /users/me": for_people(200, body=lambda _company: {}),
    "GET /users/me/notifications": for_people(200),
    "PUT /users/me/notifications": for_people(200, body=lambda _company: {"events": []}),
    **{f"GET /users/operator/{pile}": for_operators(200) for pile in ("mails", "dead-letters", "health")},
    **{
        f"POST /users/operator/mails/{{mail_id}}/{what}": for_operators(404, path={"mail_id": lambda _c: str(uuid4())})
        for what in ("retry", "drop")
    },
    **{
        f"POST /users/operator/dead-letters/{{letter_id}}/{what}": for_operators(404, path=LETTER)
        for what in ("retry", "drop")
    },
    "GET /users/audit": for_admins(200),
    "GET /users/audit.csv": for_admins(200),
    "GET /users/access-matrix": for_admins(200),
    "GET /users/access-matrix.csv": for_admins(200),
    "GET /users/rules": for_admins(200),
    "POST /users/review": for_admins(201),
    "POST /users/import": Row((401, 401, 403, 403, 422, 409, 422, 401), headers={"Content-Type": "text/csv"}),
    "GET /users": for_admins(200),
    "POST /users": Row((401, 401, 403, 403, 422, 422, 422, 401), body=lambda _company: {}),
    "GET /users/{membership_id}": for_admins(200, path=MEMBER, owned=True),
    "PATCH /users/{membership_id}": for_admins(412, path=MEMBER, body=lambda _company: {}, owned=True),
    "DELETE /users/{membership_id}": for_admins(412, path=MEMBER, owned=True),
    "POST /users/{membership_id}/invitation": for_admins(409, path=MEMBER),
    "POST /users/{membership_id}/second-factor-reset": Row(
        (401, 401, 403, 403, 403, 409, None, 401), path=MEMBER, body=lambda _company: {"reason": "Telefon weg"}
    ),
    "GET /staff": for_operators(200),
    "POST /staff": for_operators(422, body=lambda _company: {}),
    "PATCH /staff/{membership_id}": for_operators(
        404, path={"membership_id": lambda _c: str(uuid4())}, body=lambda _company: {}
    ),
    "POST /customers/import": for_operators(422, headers={"Content-Type": "text/csv"}),
    "GET /customers": for_operators(200),
    "POST /customers": for_operators(422, body=lambda _company: {}),
    "GET /customers/{customer_id}": for_operators(200, path=CUSTOMER, owned=True, everywhere=STAFF),
    "PATCH /customers/{customer_id}": for_operators(
        412, path=CUSTOMER, body=lambda _company: {}, owned=True, everywhere=STAFF
    ),
    "GET /documents/folders": with_module(200),
    "GET /documents": with_module(200),
    "GET /documents/{document_id}": with_module(200, path=DOCUMENT, owned=True),
    "GET /documents/{document_id}/files/{file_id}": with_module(200, path=FILE, owned=True),
    "GET /documents/operator/parked": for_operators(200),
    "GET /documents/operator/conflicts": for_operators(200),
    "GET /documents/operator/refused": for_operators(200),
    "GET /documents/operator/dead-letters": for_operators(200),
    "GET /documents/operator/health": for_operators(200),
    **{
        f"POST /documents/operator/{kind}/{{{name}}}/{what}": for_operators(404, path={name: lambda _c: str(uuid4())})
        for kind, name in (("parked", "record_id"), ("conflicts", "record_id"), ("refused", "record_id"))
        for what in ("retry", "drop")
    },
    **{
        f"POST /documents/operator/dead-letters/{{letter_id}}/{what}": for_operators(404, path=LETTER)
        for what in ("retry", "drop")
    },
    "GET /exchange/entries": with_exchange(200),
    "GET /exchange/trash": with_exchange(200),
    "GET /exchange/usage": with_exchange(200),
    "GET /exchange/entries/{entry_id}": with_exchange(200, path=ENTRY, owned=True),
    "PATCH /exchange/entries/{entry_id}": with_exchange(412, path=ENTRY, owned=True, body=lambda _c: {"name": "neu"}),
    "DELETE /exchange/entries/{entry_id}": with_exchange(412, path=ENTRY, owned=True),
    "POST /exchange/entries/{entry_id}/restore": with_exchange(404, path=ENTRY, owned=True),
    "POST /exchange/folders": with_exchange(422, body=lambda _company: {}),
    "GET /exchange/folders/{folder_id}/archive": with_exchange(200, path=FOLDER, owned=True),
    "GET /exchange/files/{file_id}/versions": with_exchange(200, path=DRIVE_FILE, owned=True),
    "GET /exchange/files/{file_id}/content": with_exchange(200, path=DRIVE_FILE, owned=True),
    "POST /exchange/uploads": with_exchange(400, headers=TUS),
    "PATCH /exchange/uploads/{upload_id}": with_exchange(
        400,
        operator_here=404,
        path=UPLOAD,
        owned=True,
        headers=TUS | {"Upload-Offset": "x", "Content-Type": "application/offset+octet-stream"},
    ),
    "DELETE /exchange/uploads/{upload_id}": with_exchange(412, path=UPLOAD),
    "GET /metrics/lines": with_graphs(200),
    "GET /metrics/groups": with_graphs(200),
    "GET /metrics/lines/{line_id}": with_graphs(200, path=LINE, owned=True),
    "GET /metrics/lines/{line_id}/thresholds": with_graphs(200, path=LINE, owned=True),
    "PUT /metrics/lines/{line_id}/thresholds": with_graphs(
        412, path=LINE, body=lambda _company: {"thresholds": []}, owned=True
    ),
    **{
        f"GET /metrics/{kind}/{end}": with_graphs(200, path=path, owned=True)
        for kind, path in (("lines/{line_id}", LINE), ("groups/{group_id}", GROUP))
        for end in ("bandwidth", "bandwidth.csv", "bandwidth.svg", "volume", "volume.csv", "percentile")
    },
    **{f"GET /metrics/operator/{pile}": for_operators(200) for pile in ("parked", "refused", "dead-letters", "health")},
    **{
        f"POST /metrics/operator/{kind}": for_operators(404, path={"record_id": lambda _c: str(uuid4())})
        for kind in ("parked/{record_id}/retry", "parked/{record_id}/drop", "refused/{record_id}/drop")
    },
    **{
        f"POST /metrics/operator/dead-letters/{{letter_id}}/{what}": for_operators(404, path=LETTER)
        for what in ("retry", "drop")
    },
    **{
        f"POST /metrics/ingest/{door}": Row((401, 401, 403, 403, 403, 403, 403, empty), scope="network")
        for door, empty in (("prometheus", 415), ("influx", 204))
    },
    "GET /contacts": with_contacts(200),
    "POST /contacts": with_contacts(422, body=lambda _company: {}),
    "GET /contacts/review": with_contacts(200),
    "GET /contacts.vcf": with_contacts(200),
    "GET /contacts.csv": with_contacts(200),
    "GET /contacts/{contact_id}": with_contacts(200, path=CONTACT, owned=True),
    "GET /contacts/{contact_id}.vcf": with_contacts(200, path=CONTACT, owned=True),
    "PATCH /contacts/{contact_id}": with_contacts(412, path=CONTACT, body=lambda _company: {}, owned=True),
    "DELETE /contacts/{contact_id}": with_contacts(412, path=CONTACT, owned=True),
    "POST /contacts/{contact_id}/confirmation": with_contacts(200, path=CONTACT, owned=True),
    "GET /contacts/approvals": for_operators(200),
    "POST /contacts/approvals/{approval_id}": for_operators(
        404, path={"approval_id": lambda _c: str(uuid4())}, body=lambda _company: {"approve": True}
    ),
    **{
        f"GET /contacts/operator/{pile}": for_operators(200)
        for pile in ("parked", "conflicts", "refused", "dead-letters", "health")
    },
    **{
        f"POST /contacts/operator/{kind}/{{record_id}}/{what}": for_operators(
            404, path={"record_id": lambda _c: str(uuid4())}
        )
        for kind in ("parked", "conflicts", "refused")
        for what in ("retry", "drop")
    },
    **{
        f"POST /contacts/operator/dead-letters/{{letter_id}}/{what}": for_operators(404, path=LETTER)
        for what in ("retry", "drop")
    },
    "GET /contracts": with_contracts(200),
    "GET /contracts/{contract_id}": with_contracts(200, path=CONTRACT, owned=True),
    "GET /contracts/calendar": with_contracts(200),
    "GET /contracts/calendar/token": Row((401, 401, 403, 403, 200, 409, 403, 401)),
    "POST /contracts/calendar/token": Row((401, 401, 403, 403, 201, 409, 403, 401)),
    "DELETE /contracts/calendar/token": Row((401, 401, 403, 403, 204, 409, 403, 401)),
    "GET /contracts/calendar/{token}.ics": Row((404,) * len(CALLERS), path={"token": lambda _company: "x" * 43}),
    **{
        f"GET /contracts/operator/{pile}": for_operators(200)
        for pile in ("parked", "refused", "dead-letters", "health")
    },
    **{
        f"POST /contracts/operator/{kind}/{{record_id}}/{what}": for_operators(
            404, path={"record_id": lambda _c: str(uuid4())}
        )
        for kind in ("parked", "refused")
        for what in ("retry", "drop")
    },
    **{
        f"POST /contracts/operator/dead-letters/{{letter_id}}/{what}": for_operators(404, path=LETTER)
        for what in ("retry", "drop")
    },
    "POST /billing/invoices": for_machines(422, body=lambda _company: {}),
    "POST /billing/documents": for_machines(422, body=lambda _company: {}),
    "POST /billing/payments": for_machines(422, body=lambda _company: {}),
    "GET /billing/events/{event_id}": Row(
        (401, 401, 403, 403, 403, 404, 404, 404), path={"event_id": lambda _company: str(uuid4())}, scope="billing"
    ),
    "GET /brand": for_all(200),
    "GET /openapi.json": for_all(200),
    "GET /dashboard": for_people(200, module=EVERY_MODULE),
    "GET /live": Row((401, 401, None, None, None, 409, None, 403)),
}
