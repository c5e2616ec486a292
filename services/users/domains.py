"""Whose addresses a company takes: those of its mail domains, where it has named any. Pure."""

from collections.abc import Sequence

from chassis.errors import Invalid


class DomainNotAllowed(Invalid):
    """This address does not belong to one of the company's mail domains."""

    de = "Diese Adresse gehört nicht zu den E-Mail-Domains der Firma."


def is_allowed(email: str, domains: Sequence[str]) -> bool:
    """No domain named: every address. Subdomains are others."""
    return not domains or email.strip().rpartition("@")[2].lower() in domains


def require_allowed(email: str, domains: Sequence[str]) -> None:
    """Before anything is written.

    Raises:
        DomainNotAllowed: another domain.
    """
    if not is_allowed(email, domains):
        detail = ", ".join(domains)
        raise DomainNotAllowed(errors=[{"pointer": "/email", "detail": detail}])
