"""News about one's own access, in both languages: what happened, and what to do if it was somebody else."""

from typing import NamedTuple


class Notice(NamedTuple):
    """Subject, what happened, and where to go."""

    subject: str
    what: str
    advice: str


_ASK = {
    "de": "Waren Sie das nicht? Dann legen Sie auf der Anmeldeseite mit „Passwort vergessen“ sofort ein neues Passwort "
    "fest und sagen Sie uns Bescheid.",
    "en": "Was this not you? Then set a new password at once with “Forgotten your password” on the sign-in page, and "
    "let us know.",
}
_WORDS: dict[str, dict[str, tuple[str, str]]] = {
    "password_changed": {
        "de": (
            "Ihr Passwort wurde geändert",
            "am {at} wurde das Passwort Ihres Zugangs geändert. Alle anderen Sitzungen sind beendet.",
        ),
        "en": (
            "Your password was changed",
            "on {at} the password of your access was changed. All other sessions are over.",
        ),
    },
    "email_changed": {
        "de": (
            "Ihr Benutzername wurde geändert",
            (
                "am {at} wurde Ihr Benutzername in {new_email} geändert. Mit der Adresse, an die diese E-Mail geht, "
                "können Sie sich nicht mehr anmelden."
            ),
        ),
        "en": (
            "Your user name was changed",
            "on {at} your user name was changed to {new_email}. The address this mail goes to no longer signs you in.",
        ),
    },
    "app_changed": {
        "de": (
            "Ihre Authenticator-App wurde gewechselt",
            (
                "am {at} wurde für Ihren Zugang eine neue Authenticator-App eingerichtet. "
                "Die alte zeigt keine gültigen Codes mehr, und alle anderen Sitzungen sind beendet."
            ),
        ),
        "en": (
            "Your authenticator app was replaced",
            (
                "on {at} a new authenticator app was set up for your access. "
                "The old one shows no valid codes any more, and all other sessions are over."
            ),
        ),
    },
    "recovery_codes_renewed": {
        "de": (
            "Ihre Wiederherstellungscodes wurden erneuert",
            "am {at} wurden für Ihren Zugang neue Wiederherstellungscodes erzeugt. Die alten gelten nicht mehr.",
        ),
        "en": (
            "Your recovery codes were renewed",
            "on {at} new recovery codes were made for your access. The old ones are no longer valid.",
        ),
    },
    "recovery_code_used": {
        "de": (
            "Anmeldung mit einem Wiederherstellungscode",
            (
                "am {at} hat sich jemand von der Adresse {address} mit einem Ihrer Wiederherstellungscodes angemeldet. "
                "Noch gültig: {left}."
            ),
        ),
        "en": (
            "Sign-in with a recovery code",
            (
                "on {at} somebody signed in from the address {address} with one of your recovery codes. "
                "Still valid: {left}."
            ),
        ),
    },
    "token_created": {
        "de": (
            "Neues API-Token „{token_name}“",
            (
                "am {at} wurde für Ihren Zugang das API-Token „{token_name}“ angelegt. "
                "Es gilt bis {until} und darf: {scopes}."
            ),
        ),
        "en": (
            "New API token “{token_name}”",
            (
                "on {at} the API token “{token_name}” was created for your access. "
                "It is valid until {until} and may: {scopes}."
            ),
        ),
    },
    "new_device": {
        "de": (
            "Anmeldung auf einem neuen Gerät",
            (
                "am {at} haben Sie sich auf einem Gerät angemeldet, das wir noch nicht kannten: "
                "{device}, Adresse {address}."
            ),
        ),
        "en": (
            "Sign-in on a new device",
            "on {at} you signed in on a device that we did not know yet: {device}, address {address}.",
        ),
    },
}
KINDS = tuple(_WORDS)


def notice(kind: str, language: str, words: dict[str, str]) -> Notice:
    """What the mail of this kind says."""
    subject, what = _WORDS[kind]["en" if language == "en" else "de"]
    return Notice(subject.format(**words), what.format(**words), _ASK["en" if language == "en" else "de"])
