"""Says in words which rule gave a date, in German and English. Pure."""

from datetime import date

from services.contracts.statutory import StatutoryEnd
from services.contracts.terms import Agreement, Dates, Unit, after_notice

_MONTHS_DE = ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September")
_MONTHS_EN = ("January", "February", "March", "April", "May", "June", "July", "August", "September")
_MONTHS = {
    "de": (*_MONTHS_DE, "Oktober", "November", "Dezember"),
    "en": (*_MONTHS_EN, "October", "November", "December"),
}
_PERIODS: dict[Unit, tuple[str, str, str]] = {
    "days": ("einem Tag", "Tagen", "day"),
    "weeks": ("einer Woche", "Wochen", "week"),
    "months": ("einem Monat", "Monaten", "month"),
}
_TO = {
    "de": {"term_end": "Ende der Laufzeit", "month_end": "Monatsende", "quarter_end": "Quartalsende"},
    "en": {"term_end": "end of the term", "month_end": "end of a month", "quarter_end": "end of a quarter"},
}


def day_in_words(day: date, language: str) -> str:
    """``31. März 2026`` or ``31 March 2026``."""
    return f"{day.day}{'.' if language == 'de' else ''} {_MONTHS[language][day.month - 1]} {day.year}"


def period_in_words(value: int, unit: Unit, language: str) -> str:
    """``3 Monaten`` (dative) or ``3 months``."""
    one, many, english = _PERIODS[unit]
    if language == "de":
        return one if value == 1 else f"{value} {many}"
    return f"{value} {english}{'' if value == 1 else 's'}"


def basis(agreement: Agreement, dates: Dates, as_of: date, language: str) -> str:
    """Why the earliest end and the last notice day are what they are, for a reader without a calculator."""
    if dates.decided_by in ("ended", "cancelled", "cancelled_without_end", "ends_by_itself"):
        return _settled(agreement, dates, language)
    return f"{_term(agreement, dates, as_of, language)} {_end(agreement, dates, as_of, language)}"


def statutory_basis(end: StatutoryEnd, language: str) -> str:
    """Why the law's date is what it is; it says so when the contract's own date is the earlier one."""
    day, notice = day_in_words(end.earliest_end_on, language), end.rule.notice
    period = period_in_words(notice.value, notice.unit, language)
    if language == "de":
        last = f"das Vertragsende am {day} liegt nicht später" if end.by_contract else f"frühestens zum {day}"
        return (
            f"Nach {end.rule.source} kann ein Endnutzer einen Telekommunikationsdienst nach stillschweigender "
            f"Verlängerung jederzeit mit einer Frist von {period} kündigen{';' if end.by_contract else ','} {last}."
        )
    last = f"; the contract's own end on {day} is no later." if end.by_contract else f", at the earliest to {day}."
    return (
        f"By {end.rule.source} an end user may end a telecom service at any time after its tacit renewal, with notice "
        f"of {period}{last}"
    )


def _settled(agreement: Agreement, dates: Dates, language: str) -> str:
    def said(day: date | None) -> str:
        return day_in_words(day, language) if day else ""

    cancelled, end = said(agreement.cancelled_on), said(agreement.ends_on or dates.earliest_end_on)
    german = {
        "ended": f"Der Vertrag endete am {end}.",
        "cancelled": f"Der Vertrag wurde am {cancelled} gekündigt und endet am {end}.",
        "cancelled_without_end": f"Der Vertrag wurde am {cancelled} gekündigt; nach der vereinbarten Frist endet er "
        f"am {end}.",
        "ends_by_itself": f"Der Vertrag endet am {end}, ohne dass gekündigt werden muss.",
    }
    english = {
        "ended": f"The contract ended on {end}.",
        "cancelled": f"The contract was cancelled on {cancelled} and ends on {end}.",
        "cancelled_without_end": f"The contract was cancelled on {cancelled}; by the agreed notice it ends on {end}.",
        "ends_by_itself": f"The contract ends on {end} without notice.",
    }
    return (german if language == "de" else english)[dates.decided_by]


def _term(agreement: Agreement, dates: Dates, as_of: date, language: str) -> str:
    start = day_in_words(agreement.starts_on, language)
    if dates.min_term_ends_on is None or agreement.min_term_months is None:
        return (
            f"Der Vertrag läuft ab {start} ohne Mindestlaufzeit."
            if language == "de"
            else f"The contract runs from {start} without a minimum term."
        )
    end, over = day_in_words(dates.min_term_ends_on, language), dates.min_term_ends_on < as_of
    minimum = period_in_words(agreement.min_term_months, "months", language)
    renewal = agreement.renewal_months
    if language == "de":
        every = "jeweils einen Monat" if renewal == 1 else f"jeweils {renewal} Monate"
        after = f"verlängert sich der Vertrag um {every}" if renewal else "läuft der Vertrag bis zur Kündigung weiter"
        ends = f"endete am {end}, seitdem" if over else f"endet am {end}, danach"
        return f"Die Mindestlaufzeit von {minimum} ab {start} {ends} {after}."
    after = f"renews by {period_in_words(renewal, 'months', language)} each time" if renewal else "runs on until notice"
    ends = f"ended on {end}; since then" if over else f"ends on {end}; after that"
    return f"The minimum term of {minimum} from {start} {ends} the contract {after}."


def _end(agreement: Agreement, dates: Dates, as_of: date, language: str) -> str:
    assert dates.earliest_end_on is not None
    end = day_in_words(dates.earliest_end_on, language)
    period = period_in_words(agreement.notice.value, agreement.notice.unit, language)
    if dates.last_notice_day is not None:
        to, last = _TO[language][dates.decided_by], day_in_words(dates.last_notice_day, language)
        if language == "de":
            given = f"Mit einer Frist von {period} zum {to}"
            return f"{given} ist das früheste Ende der {end}, wenn die Kündigung bis {last} zugeht."
        return f"With {period} of notice to the {to} the earliest end is {end}, if notice arrives by {last}."
    today, waits = day_in_words(as_of, language), dates.earliest_end_on > after_notice(as_of, agreement.notice)
    if language == "de":
        given = f"frühestens zum {end}" if waits else f"bei Zugang am {today} zum {end}"
        return f"Er kann jederzeit mit einer Frist von {period} gekündigt werden, {given}."
    given = f"at the earliest to {end}" if waits else f"if it arrives on {today}, to {end}"
    return f"Notice of {period} can be given at any time, {given}."


def deadline_title(kind: str, name: str, language: str) -> str:
    """What a calendar shows of a deadline."""
    german = {
        "last_notice_day": "Letzter Tag zum Kündigen",
        "min_term_end": "Ende der Mindestlaufzeit",
        "end": "Vertragsende",
    }
    english = {
        "last_notice_day": "Last day to give notice",
        "min_term_end": "Minimum term ends",
        "end": "Contract ends",
    }
    return f"{(german if language == 'de' else english)[kind]}: {name}"
