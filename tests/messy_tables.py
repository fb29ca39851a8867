"""Three tables as hospitals have them, with a canary in every cell that names a person.

Canaries are unlike anything else: invented words with numbers, and insurance and account numbers whose check
digits are computed here, by other code than the product's.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Messy:
    """A table's file and the canaries in it."""

    path: Path
    canaries: tuple[str, ...]


def kvnr(number: int) -> str:
    """A health insurance number with a right check digit; the letter is K, the eleventh of the alphabet."""
    body = f"{number:08}"
    sums = 0
    for weight, digit in zip([1, 2] * 5, f"11{body}", strict=True):
        product = weight * int(digit)
        sums += product // 10 + product % 10
    return f"K{body}{sums % 10}"


def iban(number: int) -> str:
    """A German account number with right check digits, in groups of four."""
    account = f"37040044{number:010}"
    check = 98 - int(f"{account}131400") % 97
    whole = f"DE{check:02}{account}"
    return " ".join(whole[at : at + 4] for at in range(0, len(whole), 4))


def write_all(folder: Path) -> tuple[Messy, ...]:
    """The three tables below ``folder``."""
    return tuple(table(folder) for table in (ward, columns, visits))


def ward(folder: Path) -> Messy:
    """German headers, cp1252, semicolons, decimal commas, ids that look alike, gaps in some lines."""
    rows = list(_each(_in_ward, 240))
    text = _csv(rows, ";", quoted=("Bemerkung",))
    path = folder / "Entlassungen März.csv"
    path.write_bytes(text.encode("cp1252"))
    named = ("Patienten-ID", "Nachname", "Vorname", "Straße", "Ort", "Versichertennummer", "Telefon")
    return Messy(path, _canaries(rows, (*named, "E-Mail", "Fallnummer", "Bemerkung", "Einweisender Arzt")))


def columns(folder: Path) -> Messy:
    """Innocent names over telling values; UTF-8 with a byte order mark, commas, a mail among professions."""
    rows = list(_each(_innocent, 200))
    path = folder / "auswertung.csv"
    path.write_text("\ufeff" + _csv(rows, ","), encoding="utf-8", newline="")
    named = ("Merkmal A", "Merkmal B", "Info", "Rückruf", "Text 1", "Spalte7", "Beruf")
    return Messy(path, _canaries(rows, named))


def visits(folder: Path) -> Messy:
    """Several rows per person, tabs, latin-1, marks for missing, numbers inside sentences."""
    rows = list(_each(_visit, 420))
    path = folder / "besuche.tsv"
    path.write_bytes(_csv(rows, "\t").encode("latin-1"))
    return Messy(path, _canaries(rows, ("Pseudonym", "Freitext", "Grund", "Konto", "KONTAKTPERSON")))


def _each(row: Callable[[int, random.Random], Row], count: int) -> Iterator[Row]:
    draw = random.Random(20261122)
    return (row(n, draw) for n in range(count))


def _in_ward(n: int, draw: random.Random) -> Row:
    person = n // 2 if n < 40 else n
    spelled = f"pat-{person:05}" if n % 2 and n < 40 else f"PAT{person:05}"
    return {
        "Patienten-ID": f"Zq{spelled}",
        "Nachname": f"Zqnach{n:04}ß",
        "Vorname": f"Zqvor{n:04}",
        "Straße": f"Zqweg {n}a",
        "PLZ": draw.choice(("01067", "01069", "10117", "80331", "80333")),
        "Ort": f"Zqort{n:04}",
        "Geburtsdatum": _german(_day(draw, 1935, 80 * 365)),
        "Geschlecht": draw.choice("mwwd"),
        "Versichertennummer": kvnr(73_000_000 + person),
        "Telefon": f"+49 351 77{n:05}",
        "E-Mail": f"zq{n:04}@beispiel.example",
        "Fallnummer": f"Zqfall{n:06}",
        "Aufnahmedatum": _day(draw, 2024, 600) if n % 10 else "",
        "Hauptdiagnose": draw.choice(("I50.13", "I50.14", "E11.90", "J18.9", "K35.8", "C50.4", "S72.01")),
        "Fachabteilung": draw.choice(("Innere Medizin", "Chirurgie", "Gynäkologie")),
        "Größe": f"{draw.randint(150, 199)},{draw.randint(0, 9)}",
        "CRP [mg/l]": f"{draw.randint(0, 250)},{draw.randint(0, 9)}" if n % 7 else "",
        "Einweisender Arzt": f"Dr. Zqarzt{n:04}",
        "Bemerkung": f"Herr Zqnach{n:04}; wünscht Rückruf, Zqtext{n:04} am Abend",
    }


def _innocent(n: int, draw: random.Random) -> Row:
    return {
        "Merkmal A": kvnr(81_000_000 + n),
        "Merkmal B": iban(900_000 + n),
        "Info": f"zq{n:04}@haus.example",
        "Rückruf": f"0171/88{n:05}",
        "Text 1": f"der Patient Zqmann{n:04} kam zu Fuß",
        "Spalte7": f"Zqnum{n:05}",
        "Alter": str(draw.randint(18, 96)),
        "SEX": draw.choice(("male", "female")),
        "Geburtstag": f"{draw.randint(1, 28):02}.{draw.randint(1, 12):02}.{draw.randint(1930, 2005)}",
        "Familienstand": draw.choice(("ledig", "verheiratet", "verwitwet")),
        # One cell of a column with an innocent name is enough.
        "Beruf": "zqjob@stelle.example" if n == 77 else draw.choice(("Koch", "Lehrerin")),
        "Gruppe": draw.choice("AB"),
        "*": draw.choice("xyz"),
    }


def _visit(n: int, draw: random.Random) -> Row:
    person = n % 130
    return {
        "Pseudonym": f"ZQX{person:06}",
        "Besuch": str(n % 4 + 1),
        "Freitext": f"überwiesen, vers. {kvnr(92_000_000 + n)}, nüchtern",
        "Grund": f"Zqgrund{n:05}",
        "Konto": iban(700_000 + n),
        "KONTAKTPERSON": f"Zqfrau{n:04}",
        "Alter in Jahren": "?" if n % 50 == 0 else str(20 + person % 60),
        "gender": "mf"[person % 2],
        "Postleitzahl": ("04109", "04103", "20095")[person % 3],
        "OPS": draw.choice(("5-323.51", "5-323.53", "8-800.c0", "1-632.0", "3-200")),
        "Datum": _day(draw, 2025, 300),
        "Wirkstoff (Code)": draw.choice(("C09AA05", "C07AB02", "A10BA02", "N02BE01", "B01AC06", "M01AE01")),
        "Bundesland": ("Sachsen", "Sachsen", "Hamburg")[person % 3],
    }


def _day(draw: random.Random, year: int, days: int) -> str:
    return (date(year, 1, 1) + timedelta(days=draw.randrange(days))).isoformat()


def _german(day: str) -> str:
    return ".".join(reversed(day.split("-")))


def _canaries(rows: Sequence[Row], names: Sequence[str]) -> tuple[str, ...]:
    """The cells under ``names`` that stand nowhere else by chance."""
    cells = {row[name] for row in rows for name in names} - {"Koch", "Lehrerin"}
    return tuple(sorted(cells))


def _csv(rows: Sequence[Row], delimiter: str, quoted: Sequence[str] = ()) -> str:
    lines = [delimiter.join(rows[0])]
    for row in rows:
        cells = (f'"{cell}"' if name in quoted else cell for name, cell in row.items())
        lines.append(delimiter.join(cells))
    return "\r\n".join(lines) + "\r\n"
