"""Who gets which bytes, by the settings: one place for the list, the download and the ZIP. Pure."""

from dataclasses import dataclass
from typing import Literal

from chassis.errors import Conflict
from services.documents.models import DriveVersion, Scan

Unscannable = Literal["acknowledge", "refuse"]


class FileWaitsForScan(Conflict):
    """The file is being checked for malware; it can be opened as soon as that is done."""

    de = "Die Datei wird noch auf Schadsoftware geprüft; danach lässt sie sich öffnen."


class FileInfected(Conflict):
    """Malware was found in this file; it is not handed out."""

    de = "In dieser Datei wurde Schadsoftware gefunden; sie wird nicht herausgegeben."


class FileUnscannable(Conflict):
    """This file could not be checked for malware; say with `acknowledge=unscannable` that you want it anyway."""

    de = "Diese Datei ließ sich nicht auf Schadsoftware prüfen; bestätigen Sie, dass Sie sie trotzdem möchten."


class UnscannableRefused(Conflict):
    """This file could not be checked for malware; such files are not handed out here."""

    de = "Diese Datei ließ sich nicht auf Schadsoftware prüfen; solche Dateien werden hier nicht herausgegeben."


@dataclass(frozen=True, slots=True)
class Policy:
    """What the settings say."""

    scanning: bool
    unscannable: Unscannable

    def shown(self, version: DriveVersion) -> Scan:
        """Once scanning is on, what was never scanned waits for it."""
        match version.scan:
            case "clean" | "infected" | "unscannable" | "waiting" as state:
                return state
            case _:
                return "waiting" if self.scanning else "not_scanned"

    def holds_back(self, version: DriveVersion) -> bool:
        """All but what is clean, or was not to be scanned."""
        return self.shown(version) not in ("clean", "not_scanned")

    def check(self, version: DriveVersion, *, acknowledged: bool) -> None:
        """May its bytes be handed out?

        Raises:
            FileWaitsForScan: not yet.
            FileInfected: never.
            FileUnscannable: only to whoever says that he knows.
            UnscannableRefused: not even then.
        """
        match self.shown(version):
            case "waiting":
                raise FileWaitsForScan(headers={"Retry-After": "10"})
            case "infected":
                raise FileInfected
            case "unscannable" if self.unscannable == "refuse":
                raise UnscannableRefused
            case "unscannable" if not acknowledged:
                raise FileUnscannable
            case _:
                return
