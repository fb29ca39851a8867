"""Charts as inline SVG without styles, scripts or identifiers that two charts of a page could share.

matplotlib draws them; what it writes as ``style`` attributes becomes presentation attributes, because the
reports' Content-Security-Policy allows no style but the page's own. Every text is escaped by the XML writer.
"""

from __future__ import annotations

import io
import logging
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from risk.reidentification.class_sizes import Matches

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
INK, MUTED, RULE = "#1d2733", "#4a5765", "#c9d1d9"
SERIES = ("#8896a4", "#0b5c6b")
"""The input's light colour and the release's dark one: apart in greyscale print as well."""

SIZE_BANDS = (
    (1, 1),
    (2, 2),
    (3, 4),
    (5, 9),
    (10, 19),
    (20, 49),
    (50, 99),
    (100, 199),
    (200, 499),
    (500, 999),
)
SIZE_BANDS_OPEN = 1000


@dataclass(frozen=True, slots=True)
class Caption:
    """A chart's identifier within its page, and the title and description a screen reader speaks."""

    identifier: str
    title: str
    description: str


@dataclass(frozen=True, slots=True)
class Band:
    """Classes of ``low`` to ``high`` people (None: no upper end), and the rows in them."""

    low: int
    high: int | None
    classes: int
    rows: int

    @property
    def label(self) -> str:
        if self.high is None:
            return f"{self.low:,}+"
        return f"{self.low:,}" if self.low == self.high else f"{self.low:,}–{self.high:,}"


def size_bands(sizes: Matches) -> tuple[Band, ...]:
    """Return the classes and rows in each of a fixed list of bands of class size."""
    edges = [*SIZE_BANDS, (SIZE_BANDS_OPEN, None)]
    return tuple(_band(sizes, low, high) for low, high in edges)


def _band(sizes: Matches, low: int, high: int | None) -> Band:
    inside = sizes.people >= low
    if high is not None:
        inside &= sizes.people <= high
    return Band(low, high, int(inside.sum()), int(sizes.rows[inside].sum()))


def bar_chart(
    categories: Sequence[str],
    series: Mapping[str, Sequence[float]],
    *,
    axis: str,
    caption: Caption,
    sign: str = "%",
) -> str:
    """Return an SVG element with one group of bars per category, in per cent of ``series`` (shares 0…1).

    At most two series, the last one (or the only one) in the dark colour. ``axis`` names the categories, and
    ``sign`` is how a language writes that of per cent.
    """

    def draw(canvas: Any) -> None:
        legend = 0.1 if len(series) > 1 else 0.0
        _draw_bars(canvas.add_axes((0.005, 0.2, 0.99, 0.79 - legend)), categories, series, axis, sign)

    return drawn(draw, caption, height=2.3)


def drawn(draw: Callable[[Any], None], caption: Caption, *, height: float) -> str:
    """Return as an SVG element what ``draw`` draws on a canvas of the page's width and ``height`` inches."""
    # Without a writable home matplotlib uses a temporary cache and would say so on standard error.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure as Canvas

    with matplotlib.rc_context():
        # A user's own matplotlibrc must not change a report's bytes.
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_settings(caption.identifier))
        canvas = Canvas(figsize=(7.4, height))
        FigureCanvasSVG(canvas)
        draw(canvas)
        written = io.StringIO()
        canvas.savefig(written, format="svg", transparent=True, metadata={"Date": None})
    return _inline(written.getvalue(), caption)


def _settings(salt: str) -> Any:
    return {
        "svg.fonttype": "none",
        "svg.hashsalt": salt,
        "text.parse_math": False,
        "font.size": 8.2,
        "text.color": INK,
        "axes.labelcolor": MUTED,
        "axes.edgecolor": RULE,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.color": RULE,
        "ytick.color": RULE,
    }


def _draw_bars(
    axes: Any, categories: Sequence[str], series: Mapping[str, Sequence[float]], axis: str, sign: str
) -> None:
    width = 0.8 / len(series)
    colours = SERIES[-len(series) :]
    highest = max((share for shares in series.values() for share in shares), default=0.0) or 1.0
    for number, ((label, shares), colour) in enumerate(zip(series.items(), colours, strict=True)):
        middle = np.arange(len(categories)) + (number - (len(series) - 1) / 2) * width
        axes.bar(middle, shares, width * 0.94, color=colour, label=label)
        for x, share in zip(middle, shares, strict=True):
            axes.text(x, share + highest * 0.025, _tick(share, sign), ha="center", fontsize=7.2, color=INK)
    axes.set_xticks(range(len(categories)), categories)
    axes.set_yticks([])
    axes.set_ylim(0, highest * 1.14)
    axes.set_xlabel(axis)
    axes.tick_params(length=0)
    axes.spines[["left", "right", "top"]].set_visible(False)
    if len(series) > 1:
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(series), frameon=False)


def _tick(share: float, sign: str) -> str:
    if not share:
        return ""
    return f"<1{sign}" if share < 0.01 else f"{share * 100:.0f}{sign}"


def _inline(document: str, caption: Caption) -> str:
    """Return matplotlib's document as an element of a page: titled, unstyled, without metadata."""
    root = ElementTree.fromstring(document)
    for unwanted in ("metadata", "defs/style"):
        _remove(root, unwanted)
    for element in root.iter():
        _unstyle(element)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    _describe(root, caption)
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", XLINK)
    return ElementTree.tostring(root, encoding="unicode")


def _remove(root: ElementTree.Element, path: str) -> None:
    *parents, name = path.split("/")
    for parent in root.findall("/".join(f"{{{SVG}}}{step}" for step in parents) or "."):
        for child in parent.findall(f"{{{SVG}}}{name}"):
            parent.remove(child)


def _unstyle(element: ElementTree.Element) -> None:
    for declaration in element.attrib.pop("style", "").split(";"):
        name, _, value = declaration.partition(":")
        # The page's own font applies; matplotlib would name a list of fonts in quotes.
        if value and name.strip() != "font-family":
            element.set(name.strip(), value.strip())
    if element.tag == f"{{{SVG}}}g":
        element.attrib.pop("id", None)


def _describe(root: ElementTree.Element, caption: Caption) -> None:
    title, description = f"{caption.identifier}-title", f"{caption.identifier}-description"
    root.set("stroke-linejoin", "round")
    root.set("role", "img")
    root.set("aria-labelledby", f"{title} {description}")
    for name, identifier, text in (
        ("desc", description, caption.description),
        ("title", title, caption.title),
    ):
        element = ElementTree.Element(f"{{{SVG}}}{name}", {"id": identifier})
        element.text = text
        root.insert(0, element)
