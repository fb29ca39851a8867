"""What a column's name says it holds, in German and English.

A quasi-identifier is recognised by its whole name alone; a direct identifier also by a part of it, because to
drop a column by mistake harms nobody.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from enum import StrEnum


class Kind(StrEnum):
    """What a column is about, in the words of the draft's comments."""

    PERSON = "the number of a person"
    INSURED = "a health insurance number"
    CASE = "the number of a case"
    NUMBER = "a number or key of something"
    NAME = "a name"
    ADDRESS = "an address or place"
    CONTACT = "a way to reach somebody"
    ACCOUNT = "a bank account"
    WARD = "a ward, room or bed"
    PROVIDER = "who treated"
    TEXT = "free text"
    SEX = "the sex"
    AGE = "an age"
    BIRTH = "the day of birth"
    PLZ = "a postal code"
    AGS = "a municipality key"
    DAY = "a date"
    STAY = "the length of a stay"
    ICD = "a diagnosis"
    OPS = "a procedure"
    ATC = "a medication"
    CATEGORY = "a personal attribute"


DIRECT = frozenset(list(Kind)[: list(Kind).index(Kind.SEX)])
"""The kinds that are direct identifiers, which no config may release unseen."""

_WHOLE: Mapping[Kind, str] = {
    Kind.PERSON: """patientid patid patientenid patientennummer patientennr patnr patientnr patientnbr
        patientnumber patient pid personid personenid subject subjectid subjektid probandid probandennummer
        probandennr pseudonym mrn personnumber patientenkennung patientpseudonym""",
    Kind.CASE: """fallnummer fallnr fallid fall caseid casenumber encounterid encounter encounternbr
        aufnahmenummer aufnahmenr visitid episodeid behandlungsfall""",
    Kind.SEX: "geschlecht sex gender administrativegender geschlechtadministrativ",
    Kind.AGE: "alter age ageyears alterjahre lebensalter aufnahmealter alteraufnahme ageadmission",
    Kind.BIRTH: "geburtsdatum gebdatum gebdat geburtstag birthdate dateofbirth datebirth dob birthday geb",
    Kind.PLZ: "plz postleitzahl zip zipcode postalcode postcode wohnortplz plzwohnort",
    Kind.AGS: "ags gemeindeschluessel amtlichergemeindeschluessel",
    Kind.DAY: """aufnahmedatum aufnahme aufnahmetag admissiondate admission admitdate entlassdatum
        entlassungsdatum entlassung entlasstag dischargedate discharge todesdatum sterbedatum deathdate
        dateofdeath datedeath diagnosedatum diagnosisdate datum date opdatum operationsdatum eingriffsdatum
        proceduredate behandlungsbeginn behandlungsende untersuchungsdatum labordatum befunddatum
        encounterdate visitdate""",
    Kind.STAY: """verweildauer liegedauer aufenthaltsdauer verweildauertage liegedauertage lengthofstay
        lengthstay lengthofstaydays lengthstaydays los losdays timeinhospital""",
    Kind.ICD: """diagnose diagnosis hauptdiagnose maindiagnosis primarydiagnosis icd icd10 icd10gm icdcode
        icd10code diagnosecode diagnosecodes diagnoseicd icddiagnose hauptdiagnoseicd hauptdiagnosecode
        entlassdiagnose aufnahmediagnose diagnosisicd""",
    Kind.OPS: "ops opscode opskode prozedur procedure prozedurcode procedurecode operationsschluessel",
    Kind.ATC: "atc atccode atckode wirkstoffatc medikationatc",
    Kind.CATEGORY: """fachabteilung abteilung department fachabteilungsschluessel medicalspecialty specialty
        fachrichtung familienstand maritalstatus civilstatus race ethnicity ethnie religion konfession
        nationalitaet staatsangehoerigkeit nationality nativecountry citizenship geburtsland birthcountry
        land country bundesland federalstate education bildung schulabschluss bildungsabschluss beruf
        occupation profession verstorben deceased vitalstatus entlassungsart entlassgrund entlassungsgrund
        dischargereason aufnahmegrund aufnahmeart aufnahmeanlass admissiontype admissionreason
        versicherungsart altersgruppe agegroup agerange raucher smoker rauchstatus blutgruppe bloodgroup""",
}
"""Whole names, as `compact` writes them."""

_PARTS: Mapping[Kind, str] = {
    Kind.INSURED: "versichert kvnr insurancen insuranceid egk",
    Kind.CONTACT: "telefon phone handy mobil telefax email mailadr kontakt contact",
    Kind.ADDRESS: "strasse street adress address anschrift hausnr hausnummer wohnort",
    Kind.ACCOUNT: "iban konto account bankverb",
    Kind.NAME: "name angehoerige vormund betreuer",
    Kind.TEXT: "bemerkung kommentar comment notiz freitext freetext anamnese epikrise remark brief befund",
    Kind.WARD: "station zimmer bettplatz",
    Kind.PROVIDER: "arzt doctor physician einweiser behandler krankenhaus klinik einrichtung provider",
    Kind.NUMBER: "nummer number kennung pseudonym",
}
"""Parts that make any name one of a direct identifier."""

_WORDS: Mapping[Kind, str] = {
    Kind.CONTACT: "tel fax mail",
    Kind.ADDRESS: "ort city stadt town gemeinde str",
    Kind.TEXT: "text note notes info beschreibung description",
    Kind.WARD: "ward room bed bett",
    Kind.NUMBER: "id ids nr nbr no num key uid uuid guid schluessel",
}
"""Words that do so only where they stand alone."""

_SOMEBODY = """name nachname vorname familienname geburtsname zuname rufname vollname fullname surname
    lastname firstname givenname familyname forename maidenname patientenname patientname patname
    nachnamevorname vornamenachname namevorname vornamename"""
"""Names of columns that name the person whom a row is about, by whole words or all words together."""
_GIVEN = "vorname rufname firstname givenname forename"
_OTHERS = "angehoerige vormund betreuer mutter vater kontakt"
"""Whose names stand beside the patient's."""
_FILLING = frozenset("patient patienten pat des der die das bei in jahren jahre am of the at".split())
_SPELLED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def words(name: str) -> tuple[str, ...]:
    """The words of a column's name in lower case, umlauts written out and accents dropped."""
    parted = re.sub(r"(?<=[a-z0-9äöüß])(?=[A-ZÄÖÜ])", " ", unicodedata.normalize("NFC", name))
    spelled = parted.casefold().translate(_SPELLED)
    bare = "".join(c for c in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(c))
    return tuple(re.findall(r"[a-z0-9]+", bare))


def kind_of(name: str) -> Kind | None:
    """What the name says, or ``None`` where it says nothing that is certain."""
    said = words(name)
    for spelled in ("".join(said), "".join(word for word in said if word not in _FILLING)):
        if spelled in _BY_NAME:
            return _BY_NAME[spelled]
    return next(_by_part(said), None)


def names_somebody(name: str) -> bool:
    """Whether the column holds names of the people whom the rows are about, by its name alone."""
    bare = (word.rstrip("0123456789") for word in words(name))
    said = [word for word in bare if word and word not in _FILLING]
    if is_of_staff(name) or any(part in "".join(said) for part in _OTHERS.split()):
        return False
    names = {*_SOMEBODY.split()}
    return "".join(said) in names or not (names - {"name"}).isdisjoint(said)


def is_given_name(name: str) -> bool:
    """Whether the column holds given names without a family name."""
    return any("".join(words(name)).startswith(given) for given in _GIVEN.split()) and not any(
        family in "".join(words(name)) for family in ("nachname", "lastname", "surname")
    )


def is_of_staff(name: str) -> bool:
    """Whether the name says who treated, or where."""
    said = words(name)
    parts = f"{_PARTS[Kind.PROVIDER]} {_PARTS[Kind.WARD]}".split()
    return any(part in "".join(said) for part in parts) or not {*_WORDS[Kind.WARD].split()}.isdisjoint(said)


def _by_part(said: tuple[str, ...]) -> Iterator[Kind]:
    compact = "".join(said)
    for kind, parts in _PARTS.items():
        if any(part in compact for part in parts.split()):
            yield kind
    for kind, alone in _WORDS.items():
        if not {*alone.split()}.isdisjoint(said):
            yield kind
    if compact.endswith(("id", "nr")):
        yield Kind.NUMBER


_BY_NAME = {name: kind for kind, names in _WHOLE.items() for name in names.split()}
