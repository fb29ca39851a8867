"""Templates into static pages: autoescaped, with a policy under which nothing is loaded and nothing runs."""

from __future__ import annotations

import base64
import hashlib
from functools import partial
from pathlib import Path
from typing import Any

from risk.reports import criteria_words, wording
from risk.reports.words import Words, speak

HERE = Path(__file__).parent


def render(template: str, words: Words | None = None, /, **context: Any) -> str:
    """Return the page of ``template`` (a file beside this one); every value in it is escaped.

    The page's ``words`` are English where none are given. The stylesheet stands in the page and is the only
    style its Content-Security-Policy allows, by hash.
    """
    style = (HERE / "report.css").read_text(encoding="utf-8")
    page = _environment(words or speak("en")).get_template(template)
    return str(page.render(style=_trusted(style), policy=content_policy(style), **context))


def content_policy(style: str) -> str:
    """Return the Content-Security-Policy that allows exactly this inline stylesheet and nothing else."""
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def drawing(svg: str) -> Any:
    """Return an SVG element of ``risk.charts``, whose writer has escaped it, for a template."""
    return _trusted(svg)


def _trusted(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)


def _breakable(name: str) -> Any:
    """Return a column's name that a line may end in behind an underscore, and nowhere else."""
    from markupsafe import Markup, escape

    return Markup("_<wbr>").join(escape(part) for part in name.split("_"))


def _environment(words: Words) -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {"t": words.markup, "language": words.language, "knows": words.knows}
    environment.globals["counted"] = partial(wording.counted, words=words)
    environment.filters["put"] = words.marked
    environment.filters["breakable"] = _breakable
    numbers = ("percent", "one_in", "plain", "interval", "share_of", "count_of", "short", "with_interval")
    for name in numbers:
        environment.filters[name] = partial(getattr(wording, name), words=words)
    for name in ("asked", "title_of", "reached", "found"):
        environment.filters[name] = partial(getattr(criteria_words, name), words=words)
    environment.filters["is_met"] = criteria_words.is_met
    return environment
