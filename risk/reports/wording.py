"""Numbers in the words of a report (English)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from risk.figures import Figure

NOT_COMPUTED = "not computed"


def percent(share: float) -> str:
    """Return a share as a percentage of two or three significant digits that never rounds to 0% or 100%."""
    hundredths = share * 100
    if hundredths in (0.0, 100.0):
        return f"{hundredths:.0f}%"
    if hundredths < 0.001:
        return "<0.001%"
    if 99.95 <= hundredths < 100:
        return ">99.9%"
    if hundredths < 1:
        return f"{hundredths:.2g}%"
    return f"{hundredths:.{1 if hundredths >= 10 else 2}f}".rstrip("0").rstrip(".") + "%"


def one_in(share: float) -> str:
    """Return a probability as "1 in n", rounded so that the risk is not understated."""
    if share <= 0:
        return "none"
    n = 1 / share
    if abs(n - round(n)) < 1e-9 * n:
        return f"1 in {round(n):,}"
    return f"about 1 in {int(n):,}" if n >= 10 else f"about 1 in {int(n * 10) / 10:g}"


def plain(value: object) -> str:
    """Return a scalar, or a list of scalars, as text: counts with separators, yes and no, a dash for none."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{int(value):,}" if value.is_integer() and abs(value) < 1e15 else f"{value:.10g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(plain, value)) or "—"
    return str(value)


def interval(figure: Figure) -> str:
    """Return a figure's interval as percentages, or why it has none."""
    if figure.is_exact:
        return "exact count, no sampling"
    if figure.low is None or figure.high is None:
        return figure.method
    return f"{percent(figure.low)} to {percent(figure.high)}"


def share_of(figure: Figure) -> str:
    """Return a share as a percentage, its bound where only bounds are known, or that there is none."""
    if figure.value is not None:
        return percent(figure.value)
    if figure.high is not None:
        return f"at most {percent(figure.high)}"
    return NOT_COMPUTED if figure.low is None else f"at least {percent(figure.low)}"


def count_of(figure: Figure) -> str:
    """Return a count with thousands separators."""
    return NOT_COMPUTED if figure.value is None else plain(figure.value)


def flattened(tree: Mapping[str, object], depth: int = 0) -> Iterator[tuple[int, str, str]]:
    """Yield depth, label and text of every entry of a nested mapping; a branch has an empty text."""
    for key, value in tree.items():
        label = str(key).replace("_", " ")
        if isinstance(value, Mapping):
            yield depth, label, ""
            yield from flattened(value, depth + 1)
        else:
            yield depth, label, plain(value)


def enumerated(names: Sequence[str]) -> str:
    """Return names in a row: "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def all_met(number: int, one: str, many: str) -> str:
    """Return the sentence that all of ``number`` (at least one) demands are met."""
    if number == 1:
        return f"The {one} is met"
    return f"Both {many} are met" if number == 2 else f"All {number} {many} are met"
