"""What attacks gained, as the risk report shows it: three dials, and a section for every attack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from risk.figures import Figure
from risk.reports.scales import Scale, interval_of, number_of, scale
from risk.reports.wording import is_counted, numeral, percent, share_of
from risk.reports.words import Words
from risk.results import Attack, Heading, Marked

HEADINGS: tuple[Heading, ...] = ("singling-out", "linkability", "inference")
POINT = 0.01
GAINS = frozenset({"attribute_inference", "minimality"})
"""Attacks whose figure is a difference already: without a control of its own, as that is inside."""
CLASS_WIDE = 0.1
"""From which share on DiSCO's control, people without their own rows, is worth a sentence of its own."""
BY_CHANCE = frozenset({"copies_exact", "copies_near"})
"""Attacks that count rows which are alike: where columns are coarse, many are by chance."""
MOSTLY, NOT_SMALL = 0.5, 0.01
"""From which share of a figure its control says that it is mostly chance, and from which figure on."""
KNOWS_ALL = {
    "singling_out": "all_attributes",
    "membership": "membership_tpr_1.all_columns_known",
    "attribute_inference": ".all_else",
}
"""The part of an attack that is of who knows every column, or how its name ends: the largest counts."""


class Dial(NamedTuple):
    """A WP216 risk: the attack that gained most, or why none is estimated."""

    heading: str
    title: str
    attack: str
    number: str
    interval: str
    knows: str
    verdict: str
    everything: str
    scale: Scale | None


class Part(NamedTuple):
    """One row of an attack's table."""

    label: str
    figure: str
    interval: str
    control: str
    floor: str
    ceiling: str
    scale: Scale


class Shown(NamedTuple):
    """An attack's section; ``texts`` are its explanation by kind, as far as there are words for it."""

    name: str
    title: str
    heading: str
    number: str
    interval: str
    knows: str
    verdict: str
    everything: str
    method: str
    is_diagnostic: bool
    scale: Scale
    parts: tuple[Part, ...]
    texts: dict[str, str]


def dials(attacks: Sequence[Attack], limits: Mapping[str, float], words: Words) -> list[Dial]:
    """Return one dial for each WP216 risk, none where there are no attacks at all."""
    if not attacks:
        return []
    return [_dial(heading, largest(attacks, heading), limits, words) for heading in HEADINGS]


def largest(attacks: Sequence[Attack], heading: Heading) -> Attack | None:
    """Return the attack under a heading whose figure is farthest above its control; diagnostics are none.

    Where none is estimated it is one that says why, where there is none at all None.
    """
    found = [attack for attack in attacks if attack.heading == heading and not attack.is_diagnostic]
    return max(found, key=lambda attack: _rank(attack.headline), default=None)


def _rank(marked: Marked) -> float:
    above = excess(marked)
    return -float("inf") if above is None else above


def excess(marked: Marked) -> float | None:
    """Return how far a figure is above its control and its floor, whichever is higher; above 0 without."""
    value = _least(marked.figure)
    if value is None:
        return None
    references = (each.value for each in (marked.control, marked.floor) if each is not None)
    return value - max((value for value in references if value is not None), default=0.0)


def _least(figure: Figure) -> float | None:
    """Return a figure's value, or its lower end where that alone is known."""
    return figure.low if figure.value is None else figure.value


def verdict_of(attack: Attack, words: Words) -> str:
    """Return in sentences what an attack's figure says, and what its scale does not."""
    said = [_verdict_alone(attack, words)]
    if attack.name in BY_CHANCE and is_mostly_chance(attack.headline):
        said.append(words.say("attacks.verdict.by_chance"))
    if is_flat(attack.headline):
        said.append(words.say("attacks.verdict.flat"))
    return " ".join(said)


def is_mostly_chance(marked: Marked) -> bool:
    """Return whether the control, or the floor where there is none, is most of a figure that is not small."""
    share = marked.figure.value or 0.0
    references = (each.value for each in (marked.control, marked.floor) if each is not None)
    chance = next((value for value in references if value is not None), 0.0)
    return share >= NOT_SMALL and chance >= MOSTLY * share


def is_flat(marked: Marked) -> bool:
    """Return whether a verbatim copy does no better than independent columns: between them nothing shows."""
    floor, ceiling = (None if each is None else each.value for each in (marked.floor, marked.ceiling))
    is_known = floor is not None and ceiling is not None and marked.figure.value is not None
    return is_known and (ceiling or 0.0) <= (floor or 0.0)


def _verdict_alone(attack: Attack, words: Words) -> str:
    """An attack's figure may be a difference, or true of whole classes."""
    figure, control = attack.headline.figure, attack.headline.control
    if attack.name in GAINS and control is None and figure.value is not None:
        return _gained(attack.name, figure, words)
    said = verdict(attack.headline, words)
    share = 0.0 if control is None else control.value or 0.0
    if attack.name != "disco" or not figure.value or share < CLASS_WIDE:
        return said
    told = {"share": percent(figure.value, words), "control": percent(share, words)}
    wide = words.say("attacks.verdict.class_wide", **told)
    return wide if figure.value <= share else f"{said} {wide}"


def _gained(name: str, figure: Figure, words: Words) -> str:
    said = words.say(f"attacks.verdict.gain.{name}")
    low = figure.value if figure.low is None else figure.low
    is_shown = low is not None and low > 0
    return said if is_shown else f"{said} {words.say('attacks.verdict.no_gain')}"


def everything_of(attack: Attack, words: Words) -> str:
    """Return in a sentence what the same attack reaches for who knows every column; empty without that."""
    name = _known(attack.name, words)
    ending = KNOWS_ALL.get(name)
    figures = [part.figure for label, part in attack.parts.items() if ending and label.endswith(ending)]
    estimated = [figure for figure in figures if _least(figure) is not None]
    if not estimated:
        return ""
    most = max(estimated, key=lambda figure: _least(figure) or 0.0)
    number, interval = share_of(most, words), "" if most.value is None else interval_of(most, words)
    told = f"{number} ({interval})" if interval else number
    return words.say(f"attacks.knows_all.{'gain' if name in GAINS else 'share'}", number=told)


def knows_of(attack: Attack, words: Words) -> str:
    """Return who the attacker of an attack's figure is; empty where there are no words for that."""
    key = f"attacks.{_known(attack.name, words)}.knows"
    return words.say(key) if words.knows(key) else ""


def verdict(marked: Marked, words: Words) -> str:
    """Return in a sentence what a figure says beside its control."""
    figure, control = marked.figure, marked.control
    if figure.value is None:
        return words.put(figure.method)
    if control is None or control.value is None:
        return words.say("attacks.verdict.no_control")
    told = {"control": percent(control.value, words), "points": points(figure.value - control.value, words)}
    exact = is_counted(figure) and is_counted(control)
    if not _above(figure, control):
        not_above = "not_above" if exact else "not_shown"
        return words.say(
            f"attacks.verdict.{'unclear' if figure.value > control.value else not_above}", **told
        )
    said = words.say("attacks.verdict.above_exact" if exact else "attacks.verdict.above", **told)
    floor = None if marked.floor is None else marked.floor.value
    as_floor = floor is not None and floor >= figure.value
    return f"{said} {words.say('attacks.verdict.as_floor')}" if as_floor else said


def _above(figure: Figure, control: Figure) -> bool:
    low = figure.value if figure.low is None else figure.low
    high = control.value if control.high is None else control.high
    return low is not None and high is not None and low > high


def points(difference: float, words: Words) -> str:
    """Return a difference of shares in percentage points."""
    text = f"{abs(difference) / POINT:.{1 if abs(difference) < 0.0995 else 0}f}"
    return words.counted("attacks.points", 1 if text == "1.0" else 2, value=numeral(text, words))


def sections(attacks: Sequence[Attack], limits: Mapping[str, float], words: Words) -> list[Shown]:
    """Return the attacks with all that is said of them, by heading; diagnostics come last."""
    order = {heading: place for place, heading in enumerate(HEADINGS)}
    ranked = sorted(attacks, key=lambda attack: (attack.is_diagnostic, order[attack.heading]))
    return [_shown(attack, limits, words) for attack in ranked]


def title_of(name: str, words: Words) -> str:
    """Return an attack's name in words, or the name itself where there are none."""
    key = f"attacks.{_known(name, words)}.title"
    return words.say(key) if words.knows(key) else name.replace("_", " ")


def _known(name: str, words: Words) -> str:
    """Return the beginning of a name that there are words for: a figure may say more than its attack."""
    while "_" in name and not words.knows(f"attacks.{name}.title"):
        name = name.rpartition("_")[0]
    return name


def _dial(heading: Heading, attack: Attack | None, limits: Mapping[str, float], words: Words) -> Dial:
    title = words.say(f"attacks.heading.{heading}")
    if attack is None:
        nothing = words.say("attacks.verdict.nothing")
        return Dial(heading, title, "", words.say("numbers.not_estimated"), "", "", nothing, "", None)
    figure = attack.headline.figure
    is_estimated = figure.value is not None
    name = title_of(attack.name, words)
    return Dial(
        heading,
        title,
        name,
        _said(figure, words),
        interval_of(figure, words),
        knows_of(attack, words),
        verdict_of(attack, words),
        everything_of(attack, words),
        _scale(attack, limits, words, identifier=f"dial-{heading}") if is_estimated else None,
    )


def _shown(attack: Attack, limits: Mapping[str, float], words: Words) -> Shown:
    figure, is_share = attack.headline.figure, not attack.is_diagnostic
    kinds = ("counts", "means", "example", "not", "source")
    keys = {kind: f"attacks.{_known(attack.name, words)}.{kind}" for kind in kinds}
    return Shown(
        attack.name,
        title_of(attack.name, words),
        words.say(f"attacks.heading.{attack.heading}"),
        _said(figure, words, is_share=is_share),
        interval_of(figure, words, is_share=is_share),
        knows_of(attack, words),
        verdict_of(attack, words) if is_share else words.say("attacks.verdict.diagnostic"),
        everything_of(attack, words),
        figure.method,
        attack.is_diagnostic,
        _scale(attack, limits, words, identifier=f"scale-{attack.name}"),
        tuple(
            _part(
                _part_label(name, words, is_gain=attack.name in GAINS),
                marked,
                words,
                identifier=f"scale-{attack.name}-{place}",
                is_share=is_share,
            )
            for place, (name, marked) in enumerate(attack.parts.items())
        ),
        {kind: words.say(key) for kind, key in keys.items() if words.knows(key)},
    )


def _said(figure: Figure, words: Words, *, is_share: bool = True) -> str:
    """Return a figure in words, its bound where that alone is known, or that there is none."""
    if figure.value is not None:
        return number_of(figure, words, is_share=is_share)
    return words.say("numbers.not_estimated") if _least(figure) is None else share_of(figure, words)


def _scale(attack: Attack, limits: Mapping[str, float], words: Words, *, identifier: str) -> Scale:
    return scale(
        attack.headline,
        words,
        identifier=identifier,
        title=title_of(attack.name, words),
        is_share=not attack.is_diagnostic,
        limit=None if attack.is_diagnostic else limits.get(attack.name),
    )


def _part_label(name: str, words: Words, *, is_gain: bool = False) -> str:
    """Return a part in words: of all targets, of a column (or the gain there), or of one on a condition."""
    if words.knows(f"attacks.parts.{name}"):
        return words.say(f"attacks.parts.{name}")
    column, _, condition = name.rpartition(".")
    if column and words.knows(f"attacks.parts.{condition}"):
        return words.say(f"attacks.parts.{condition}", column=_part_label(column, words))
    return words.say("attacks.parts.gain", column=name) if is_gain else name


def _part(label: str, marked: Marked, words: Words, *, identifier: str, is_share: bool) -> Part:
    others = (marked.control, marked.floor, marked.ceiling)
    control, floor, ceiling = (
        "—" if each is None or each.value is None else number_of(each, words, is_share=is_share)
        for each in others
    )
    return Part(
        label,
        number_of(marked.figure, words, is_share=is_share),
        interval_of(marked.figure, words, is_share=is_share),
        control,
        floor,
        ceiling,
        scale(marked, words, identifier=identifier, title=label, is_share=is_share),
    )
