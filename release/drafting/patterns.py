"""What values look like: direct identifiers that carry a check digit or a shape of their own, and codes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import polars as pl

_KVNR = r"\b[A-Z][0-9]{9}\b"
_IBAN = r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}\b"
_MAIL = r"[^\s@,;<>]+@[^\s@,;<>]+\.[A-Za-z]{2,}"
_PHONE = r"^(?:\+|00?[1-9])[0-9 ()/.-]{5,}$"
_DAY = (
    r"^(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{2,4}|[0-9]{1,2}/[0-9]{1,2}/[0-9]{2,4})\b"
)
_LOINC = r"^[0-9]{1,7}-[0-9]$"
_ICD = r"^[A-Z][0-9]{2}\.[0-9]{1,2}$"
_OPS = r"^[0-9]-[0-9]{2}[0-9a-z](?:\.[0-9a-z]{1,2})?$"
_ATC = r"^[A-Z][0-9]{2}[A-Z]{2}[0-9]{2}$"
_KEY = r"^[\w-]*[0-9][\w-]*$"
_LEAST_KEY = 5
_LEAST_DIGITS = 7


def is_kvnr(text: str) -> bool:
    """Whether a letter and nine digits are a German health insurance number, by its check digit.

    The letter counts as its two-digit place in the alphabet; digits are weighted 1, 2, 1, 2 … and the sums of
    the products' digits added: the last digit is that modulo 10 (GKV-Spitzenverband, § 290 SGB V).
    """
    if not re.fullmatch(_KVNR, text):
        return False
    digits = f"{ord(text[0]) - ord('A') + 1:02}{text[1:9]}"
    total = sum(sum(divmod(int(digit) * (1 + place % 2), 10)) for place, digit in enumerate(digits))
    return total % 10 == int(text[9])


def is_iban(text: str) -> bool:
    """Whether this is an account number whose check digits hold (ISO 13616, modulo 97 = 1)."""
    bare = text.replace(" ", "")
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", bare):
        return False
    return int("".join(str(int(letter, 36)) for letter in bare[4:] + bare[:4])) % 97 == 1


def is_loinc(text: str) -> bool:
    """Whether this is a LOINC code, by its check digit (Luhn's modulus 10)."""
    body, dash, check = text.partition("-")
    if not (dash and body.isdecimal() and check.isdecimal() and len(check) == 1):
        return False
    doubled = (int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(body)))
    return -sum(sum(divmod(number, 10)) for number in doubled) % 10 == int(check)


def are_insurance_numbers(values: pl.Series) -> bool:
    """Whether all distinct ``values`` are health insurance numbers."""
    return not values.is_empty() and all(map(is_kvnr, values))


def are_ways_to_people(values: pl.Series) -> bool:
    """Whether half or more of distinct ``values`` are each a way to one person and nothing more.

    That is an insurance number or an account whose check digits hold, an e-mail address, a telephone number.
    """
    bare = values.str.strip_chars()
    mails = bare.str.contains(rf"^{_MAIL}$")
    numbers = [is_kvnr(text) or is_iban(text) for text in bare.str.to_uppercase()]
    return 0 < values.len() <= 2 * int((mails | _phones(bare) | pl.Series(numbers, dtype=pl.Boolean)).sum())


def direct_identifier(values: pl.Series) -> str | None:
    """What direct identifier stands in distinct text ``values``, in words; ``None`` where none was found.

    One number with a right check digit, or one e-mail address, is enough, also inside a longer text.
    Telephone numbers have no check digit: half of the values must look like one.
    """
    for what, (pattern, holds) in _CHECKED.items():
        shaped = values.filter(values.str.to_uppercase().str.contains(pattern))
        if any(holds(found) for text in shaped for found in re.findall(pattern, text.upper())):
            return what
    if values.str.contains(_MAIL).any():
        return "an e-mail address"
    return "a telephone number" if 0 < values.len() <= 2 * int(_phones(values).sum()) else None


_CHECKED: Mapping[str, tuple[str, Callable[[str], bool]]] = {
    "a health insurance number (its check digit holds)": (_KVNR, is_kvnr),
    "a bank account (its check digits hold)": (_IBAN, lambda text: any(map(is_iban, _shortened(text)))),
}


def _shortened(text: str) -> list[str]:
    """An account number, and its beginnings by groups: words behind it may look like more of it."""
    parts = text.split(" ")
    return [" ".join(parts[:end]) for end in range(len(parts), 0, -1)]


def _phones(values: pl.Series) -> pl.Series:
    digits = values.str.count_matches(r"[0-9]")
    return values.str.contains(_PHONE) & (digits >= _LEAST_DIGITS) & ~values.str.contains(_DAY)


def code_system(values: pl.Series) -> str | None:
    """The code system that all distinct ``values`` belong to by their shape: icd-10-gm, ops, atc or loinc.

    Shapes that other things share (``A12``, which may be a bed) are not told.
    """
    if values.is_empty():
        return None
    for name, pattern in (("icd-10-gm", _ICD), ("ops", _OPS), ("atc", _ATC)):
        if values.str.contains(pattern).all():
            return name
    if values.str.contains(_LOINC).all() and all(map(is_loinc, values)):
        return "loinc"
    return None


def are_iso_days(values: pl.Series) -> bool:
    """Whether all distinct ``values`` are whole days as ``1962-05-31``."""
    return not values.is_empty() and bool(values.str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$").all())


def are_german_days(values: pl.Series) -> bool:
    """Whether all distinct ``values`` are whole days as ``31.05.1962``."""
    german = r"^[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}$"
    return not values.is_empty() and bool(values.str.contains(german).all())


def are_other_days(values: pl.Series) -> bool:
    """Whether all distinct ``values`` are days or moments, in several forms or neither ISO nor German."""
    are_days = not values.is_empty() and bool(values.str.contains(_DAY).all())
    return are_days and not are_iso_days(values) and not are_german_days(values)


def are_texts(values: pl.Series) -> bool:
    """Whether ``values`` are sentences rather than values of an attribute."""
    return not values.is_empty() and bool((values.str.count_matches(" ") >= 3).mean() > 0.3)  # type: ignore[operator]


def are_keys(values: pl.Series) -> bool:
    """Whether all distinct ``values`` look like numbers of something: a word of 5 or more with digits."""
    long = values.str.len_chars() >= _LEAST_KEY
    return (
        not values.is_empty() and bool((long & values.str.contains(_KEY)).all()) and not are_iso_days(values)
    )


def looks_like_data(header: str) -> bool:
    """Whether a column's name is a value: the file has no header, and its first person stands there."""
    one = pl.Series([header])
    return direct_identifier(one) is not None or bool(one.str.contains(_DAY).any())
