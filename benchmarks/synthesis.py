"""Every method of synthesis on Adult and Diabetes, and the fast ones on a million rows: cost, value and risk.

    python -m benchmarks.synthesis
    python -m benchmarks.synthesis --only adult --methods cart gaussian-copula --rows 3000 --out /tmp/try.json

Writes `benchmarks/results/synthesis.json` and, between its marks, the table in `docs/synthesis.md`; with
``--rows`` (a cut of each table, to try things out) only to ``--out``. Each method is fitted and sampled in a
fresh process on one thread, after a small fit that loads its libraries and compiles its kernels: CPU-seconds
of fit and of sample, and the process's peak memory. What it drew is then measured: prediction, distributions
and all attacks of `risk/`. Beside the methods stand independent columns, a verbatim copy and fresh people.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measure import once, write
from benchmarks.synthesis_tables import CASES, MILLION, SEED, Case
from risk.attacks.battery import attack
from risk.baselines import independent, verbatim
from risk.comparison import Comparison
from risk.results import Marked
from risk.utility.asked import Asked
from risk.utility.assess import utility

DOCS = Path(__file__).resolve().parent.parent / "docs" / "synthesis.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS", "NUMBA_NUM_THREADS"), "1"
)
DELTA = 1e-6
SUBSAMPLE = 50_000
_WARM = 400


@dataclass(frozen=True, slots=True)
class Way:
    """A method with its options, and what it needs to be installed."""

    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    needs: str = "sklearn"


def ways(epochs: int) -> dict[str, Way]:
    """All methods, by the name that they have in the table."""
    private = {
        f"dp-marginals, ε = {epsilon:g}": Way(
            "dp-marginals", {"epsilon": epsilon, "delta": DELTA, "target": True}, "opendp"
        )
        for epsilon in (1.0, 3.0)
    }
    networks = ("ctgan", "tvae", "copulagan")
    trained = {f"{name}, {epochs} epochs": Way(name, {"epochs": epochs}, "sdv") for name in networks}
    theirs = {"sdv-gaussian-copula": Way("sdv-gaussian-copula", needs="sdv")}
    return {"cart": Way("cart"), "gaussian-copula": Way("gaussian-copula"), **private, **trained, **theirs}


LARGE = {
    "gaussian-copula": Way("gaussian-copula"),
    f"cart, {SUBSAMPLE:,} rows per tree": Way("cart", {"most_rows": SUBSAMPLE}),
    "cart": Way("cart"),
}
Released = Callable[[pl.DataFrame, pl.DataFrame, np.random.Generator], pl.DataFrame]
MARKS: Mapping[str, Released] = {
    "independent columns": lambda trained, _, rng: independent(trained, rng),
    "fresh people": lambda _, held_out, rng: held_out[: held_out.height // 2],
    "verbatim copy": lambda trained, _, rng: verbatim(trained),
}


def main() -> None:
    """Writes the figures and the table."""
    asked = _asked()
    if asked.one:
        print(json.dumps(_fitted(asked)))
        return
    figures = {name: _measured(name, asked) for name in asked.only}
    settings = {"seed": SEED, "epochs": asked.epochs, "effort": asked.effort, "delta": DELTA}
    found = {**settings, **figures}
    if asked.rows or asked.out:
        (asked.out or Path(os.devnull)).write_text(json.dumps(found, indent=1))
        print(_table(figures))
    else:
        write("synthesis", found)
        _into_docs(_table(figures))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", choices=sorted(CASES), default=list(CASES))
    parser.add_argument("--methods", nargs="*", help="only those whose name starts so")
    parser.add_argument("--rows", type=int, help="people of each table")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--effort", choices=("quick", "full"), default="quick")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser.parse_args()


# One method, in a process of its own.


def _fitted(asked: argparse.Namespace) -> dict[str, float]:
    """Fits and samples one method, writes what it drew, and says how long that took."""
    from anonymizer.seeds import spawned
    from synth.synthesis import fit

    name = asked.only[0]
    way = (LARGE if name == "million" else ways(asked.epochs))[asked.one]
    case = CASES[name]()
    trained = case.frame.head(asked.rows or MILLION) if name == "million" else case.parts(asked.rows)[0]
    fit(
        case.training(trained.head(_WARM)), _recipe(way, case, is_warming=True), spawned(SEED, "warm")
    ).sample(_WARM, spawned(SEED, "warm"))
    started = time.process_time()
    synthesiser = fit(case.training(trained), _recipe(way, case), spawned(SEED, "fit"))
    fitted = time.process_time()
    drawn = synthesiser.sample(trained.height, spawned(SEED, "sample"))
    ended = time.process_time()
    drawn.write_parquet(asked.out)
    return {"rows": trained.height, "fit_cpu_s": fitted - started, "sample_cpu_s": ended - fitted}


def _recipe(way: Way, case: Case, *, is_warming: bool = False) -> Any:
    from synth.recipe import Recipe

    is_private = way.method == "dp-marginals"
    options = {name: case.target if name == "target" else value for name, value in way.options.items()}
    if is_warming and "epochs" in options:
        options["epochs"] = 1
    return Recipe(way.method, options, domain=case.domain if is_private else {})  # type: ignore[arg-type]


# All methods on a table.


def _measured(name: str, asked: argparse.Namespace) -> dict[str, Any]:
    case, found = CASES[name](), dict[str, Any]()
    wanted = {
        label: way
        for label, way in (LARGE if name == "million" else ways(asked.epochs)).items()
        if find_spec(way.needs) and _is_wanted(label, asked)
    }
    with tempfile.TemporaryDirectory() as folder:
        for label in wanted:
            drawn = Path(folder) / "drawn.parquet"
            found[label] = _cost(name, label, asked, drawn)
            if name != "million":
                found[label] |= _value_and_risk(case, asked, pl.read_parquet(drawn))
            print(name, label, json.dumps(found[label].get("cost")), file=sys.stderr, flush=True)
    if name != "million":
        trained, held_out = case.parts(asked.rows)
        for label, make in MARKS.items():
            if _is_wanted(label, asked):
                released = make(trained, held_out, np.random.default_rng(SEED))
                found[label] = _value_and_risk(case, asked, released, fresh=label == "fresh people")
    return found


def _is_wanted(label: str, asked: argparse.Namespace) -> bool:
    return asked.methods is None or label.startswith(tuple(asked.methods))


def _cost(name: str, label: str, asked: argparse.Namespace, drawn: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.synthesis", "--only", name, "--one", label]
    command += ["--epochs", str(asked.epochs), "--out", str(drawn)]
    command += ["--rows", str(asked.rows)] if asked.rows else []
    finished = once(command, environment=ONE_THREAD)
    told = {key: round(value, 3) for key, value in json.loads(finished.stdout).items()}
    return {"cost": {**told, "memory_mb": round(finished.memory_bytes / 1e6)}}


def _value_and_risk(
    case: Case, asked: argparse.Namespace, released: pl.DataFrame, *, fresh: bool = False
) -> dict[str, Any]:
    trained, held_out = case.parts(asked.rows)
    held_out = held_out[held_out.height // 2 :] if fresh else held_out
    compared = _comparison(case, _as_original(released, trained), trained, held_out)
    value = utility(compared, asked=Asked(targets=(case.target,)), rng=np.random.default_rng(SEED))
    predictions = {
        each.learner: {"released": each.released.value, "real": each.real.value} for each in value.predictions
    }
    return {
        "utility": {figure: each.value for figure, each in value.figures.items()},
        "prediction": predictions,
        "all_rows": {
            "released": _boosted(compared.released, held_out, case.target),
            "real": _boosted(trained, held_out, case.target),
        },
        "attacks": {
            each.name: {"headline": _marks(each.headline), **{n: _marks(m) for n, m in each.parts.items()}}
            for each in attack(compared, asked.effort)
        },
    }


def _as_original(released: pl.DataFrame, trained: pl.DataFrame) -> pl.DataFrame:
    return released.select(pl.col(name).cast(dtype) for name, dtype in trained.schema.items())


def _comparison(
    case: Case, released: pl.DataFrame, trained: pl.DataFrame, held_out: pl.DataFrame
) -> Comparison:
    return Comparison(
        "synthetic",
        case.attributes,
        released,
        trained,
        trained,
        np.arange(trained.height),
        np.ones(trained.height, np.bool_),
        held_out,
        np.arange(held_out.height),
    )


def _marks(marked: Marked) -> dict[str, float | None]:
    figures = {name: getattr(marked, name) for name in ("figure", "control", "floor", "ceiling")}
    return {name: each.value for name, each in figures.items() if each is not None}


def _boosted(train: pl.DataFrame, test: pl.DataFrame, target: str) -> float | None:
    """The area under the ROC curve, over classes, of boosted trees that learned from all rows."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score

    from risk.utility.learners import features

    train = train.drop_nulls(target)
    known = features(train.drop(target))
    learner = HistGradientBoostingClassifier(random_state=0)
    learner.fit(known.of(train.drop(target)), train[target].to_numpy())
    shares = learner.predict_proba(known.of(test.drop(target)))
    told = test[target].to_numpy()
    areas = [
        roc_auc_score(told == label, shares[:, number])
        for number, label in enumerate(learner.classes_)
        if 0 < (told == label).sum() < len(told)
    ]
    return float(np.mean(areas)) if areas else None


# The table in the documentation.

_COLUMNS: Mapping[str, Callable[[dict[str, Any]], Any]] = {
    "fit + sample, CPU-s": lambda found: (
        f"{found['cost']['fit_cpu_s']:.2f} + {found['cost']['sample_cpu_s']:.2f}"
    ),
    "memory, MB": lambda found: f"{found['cost']['memory_mb']:,}",
    "AUC, all rows (real)": lambda found: _pair(found["all_rows"]),
    "AUC, best of three (real)": lambda found: _pair(
        {
            side: max(each[side] for each in found["prediction"].values() if each[side] is not None)
            for side in ("released", "real")
        }
    ),
    "pMSE ratio": lambda found: f"{found['utility']['pmse_ratio']:.2f}",
    "categories left": lambda found: f"{found['utility']['coverage']:.3f}",
    "correlations off": lambda found: f"{found['utility']['association_difference']:.3f}",
}
_ATTACKS = {
    "singling out": "singling_out",
    "linkage": "linkage",
    "attribute inference": "attribute_inference",
    "membership, TPR at 1 %": "membership_tpr_1",
    "exact copies (held out)": "copies_exact",
}


def _pair(found: Mapping[str, float | None]) -> str:
    return f"{found['released']:.3f} ({found['real']:.3f})"


def _table(figures: Mapping[str, dict[str, Any]]) -> str:
    parts = []
    for name, found in figures.items():
        if name == "million":
            columns = dict(list(_COLUMNS.items())[:2])
            parts.append(_grid("A million rows, 20 columns", columns, found))
        else:
            parts += [
                _grid(f"{name.title()}: cost and value", _COLUMNS, found),
                _grid(
                    f"{name.title()}: attacks (people held out) [floor, ceiling]",
                    _attack_columns(found),
                    found,
                ),
            ]
    return "\n\n".join(parts)


def _attack_columns(found: Mapping[str, Any]) -> dict[str, Callable[[dict[str, Any]], Any]]:
    present = {name for each in found.values() for name in each.get("attacks", {})}
    return {
        label: (lambda each, name=name: _attack_cell(each["attacks"][name]["headline"]))
        for label, name in _ATTACKS.items()
        if name in present
    }


def _attack_cell(marks: Mapping[str, float | None]) -> str:
    figure = marks["figure"]
    control = f" ({marks['control']:.3f})" if marks.get("control") is not None else ""
    ends = [marks.get(end) for end in ("floor", "ceiling")]
    between = f" [{', '.join('–' if end is None else f'{end:.3f}' for end in ends)}]"
    return "–" if figure is None else f"{figure:.3f}{control}{between if any(ends) else ''}"


def _grid(
    title: str, columns: Mapping[str, Callable[[dict[str, Any]], Any]], found: Mapping[str, Any]
) -> str:
    lines = [f"**{title}**", "", "| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for label, each in found.items():
        cells = []
        for cell in columns.values():
            try:
                cells.append(cell(each))
            except (KeyError, TypeError, ValueError):
                cells.append("–")  # not measured, or not estimated
        lines.append("| " + " | ".join([label, *cells]) + " |")
    return "\n".join(lines)


def _into_docs(table: str) -> None:
    told = DOCS.read_text(encoding="utf-8")
    before, _, rest = told.partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCS.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
