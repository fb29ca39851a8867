"""Numbers in the words of a report: in English where no other words are given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from risk.figures import Figure
from risk.reports.words import Words, speak


def numeral(text: str, words: Words | None = None) -> str:
    """Return a numeral written the English way (1,234.5) with a language's separators."""
    words = words or speak("en")
    return words.numeral(text)


def percent(share: float, words: Words | None = None) -> str:
    """Return a share as a percentage of two or three significant digits that never rounds to 0% or 100%."""
    words = words or speak("en")
    return words.say("numbers.percent", number=numeral(_hundredths(share * 100), words))


def _hundredths(hundredths: float) -> str:
    if hundredths < 0:
        return f"−{_hundredths(-hundredths)}"
    if hundredths in (0.0, 100.0):
        return f"{hundredths:.0f}"
    if hundredths < 0.001:
        return "<0.001"
    if 99.95 <= hundredths < 100:
        return ">99.9"
    if hundredths < 1:
        return f"{hundredths:.2g}"
    return f"{hundredths:.{1 if hundredths >= 10 else 2}f}".rstrip("0").rstrip(".")


def one_in(share: float, words: Words | None = None) -> str:
    """Return a probability as "1 in n", rounded so that the risk is not understated."""
    words = words or speak("en")
    if share <= 0:
        return words.say("numbers.no_chance")
    n = 1 / share
    if abs(n - round(n)) < 1e-9 * n:
        return words.say("numbers.one_in", number=numeral(f"{round(n):,}", words))
    about = f"{int(n):,}" if n >= 10 else f"{int(n * 10) / 10:g}"
    return words.say("numbers.about_one_in", number=numeral(about, words))


def counted(unit: str, number: int, words: Words | None = None) -> str:
    """Return so many things in words, e.g. of the unit ``rows``: 1 row, 2,000 rows."""
    words = words or speak("en")
    return words.counted(f"parts.count.{unit}", number, told=plain(number, words))


def plain(value: object, words: Words | None = None) -> str:
    """Return a scalar, or a list of scalars, as text: counts with separators, yes and no, a dash for none."""
    words = words or speak("en")
    if value is None:
        return "—"
    if isinstance(value, bool):
        return words.say("numbers.yes" if value else "numbers.no")
    if isinstance(value, int):
        return numeral(f"{value:,}", words)
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) < 1e15
        return numeral(f"{int(value):,}" if whole else f"{value:.10g}", words)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return words.say("numbers.between").join(plain(each, words) for each in value) or "—"
    return words.put(str(value))


def short(value: float, words: Words | None = None) -> str:
    """Return a number of no unit with three or four significant digits."""
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return numeral(text.replace("-", "−", 1) if value < 0 else text, words)


def is_counted(figure: Figure) -> bool:
    """Return whether a figure was counted, as its method says: a model's may have ends that are equal."""
    return figure.is_exact and figure.method.startswith("exact")


def interval(figure: Figure, words: Words | None = None) -> str:
    """Return a figure's interval as percentages, or why it has none."""
    words = words or speak("en")
    if is_counted(figure):
        return words.say("numbers.exact")
    if figure.low is None or figure.high is None or figure.is_exact:
        return words.put(figure.method)
    return words.say("numbers.range", low=percent(figure.low, words), high=percent(figure.high, words))


def share_of(figure: Figure, words: Words | None = None) -> str:
    """Return a share as a percentage, its bound where only bounds are known, or that there is none."""
    words = words or speak("en")
    if figure.value is not None:
        return percent(figure.value, words)
    if figure.high is not None:
        return words.say("numbers.at_most", number=percent(figure.high, words))
    if figure.low is not None:
        return words.say("numbers.at_least", number=percent(figure.low, words))
    return words.say("numbers.not_computed")


def with_interval(figure: Figure, words: Words | None = None) -> str:
    """Return a share as a percentage with its interval behind it, where it has one that is not its value."""
    words = words or speak("en")
    said = share_of(figure, words)
    if figure.value is None or figure.is_exact or figure.low is None or figure.high is None:
        return said
    return f"{said} ({interval(figure, words)})"


def count_of(figure: Figure, words: Words | None = None) -> str:
    """Return a count with thousands separators."""
    words = words or speak("en")
    return words.say("numbers.not_computed") if figure.value is None else plain(figure.value, words)


def flattened(
    tree: Mapping[str, object], words: Words | None = None, depth: int = 0
) -> Iterator[tuple[int, str, str]]:
    """Yield depth, label and text of every entry of a nested mapping; a branch has an empty text."""
    for key, value in tree.items():
        label = str(key).replace("_", " ")
        told = _in_hundredths(value) if key == "seconds" else value
        if isinstance(told, Mapping):
            yield depth, label, ""
            yield from flattened(told, words, depth + 1)
        else:
            yield depth, label, plain(told, words)


def _in_hundredths(seconds: object) -> object:
    """Return seconds, or those of several stages, as exactly as anybody reads them."""
    if isinstance(seconds, Mapping):
        return {stage: _in_hundredths(value) for stage, value in seconds.items()}
    return round(seconds, 2) if isinstance(seconds, float) else seconds


def enumerated(names: Sequence[str], words: Words | None = None) -> str:
    """Return names in a row: "a", "a and b", "a, b and c"."""
    return _joined(names, (words or speak("en")).say("numbers.and"))


def either(names: Sequence[str], words: Words | None = None) -> str:
    """Return names in a row, of which one is meant: "a", "a or b", "a, b or c"."""
    return _joined(names, (words or speak("en")).say("numbers.or"))


def _joined(names: Sequence[str], last: str) -> str:
    return last.join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
