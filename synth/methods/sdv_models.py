"""CTGAN, TVAE, CopulaGAN and the Gaussian copula of SDV 2, which see codes and never a cell.

Xu, Skoularidou, Cuesta-Infante and Veeramachaneni, "Modeling Tabular Data using Conditional GAN" (NeurIPS
2019); Patki, Wedge and Veeramachaneni, "The Synthetic Data Vault" (DSAA 2016). A model lives in memory and is
never written: SDV's own files hold the rows it was trained on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from time import monotonic
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from anonymizer.errors import SynthesisFailed
from synth.axes import Allowed, Coded, Codes
from synth.methods.drawing import rejected, until
from synth.methods.sdv_apart import apart, checked_device, epochs_seen, loaded
from synth.methods.sdv_columns import TABLE, Columns

Report = Callable[[int, int, float], None]
"""Is told how many epochs are done, of how many, and how many seconds the rest will probably take."""

_CLASSES = {
    "ctgan": "CTGANSynthesizer",
    "tvae": "TVAESynthesizer",
    "copulagan": "CopulaGANSynthesizer",
    "sdv-gaussian-copula": "GaussianCopulaSynthesizer",
}
_PACKED = 10
"""CTGAN's discriminator judges ten rows at a time, so a batch is a multiple of ten."""
_TRIAL_BATCHES = 3


@dataclass(frozen=True, slots=True)
class Schedule:
    """How it is trained: ``epochs`` over all rows in batches of ``batch_size``, on ``cpu`` or ``gpu``."""

    method: str
    epochs: int = 300
    batch_size: int = 500
    device: str = "cpu"

    @property
    def is_trained(self) -> bool:
        """Whether there are epochs at all: a copula is fitted at once."""
        return self.method != "sdv-gaussian-copula"

    def options(self) -> dict[str, Any]:
        """Return the arguments of SDV's class."""
        if not self.is_trained:
            return {}
        return {
            "epochs": self.epochs,
            "batch_size": max(self.batch_size // _PACKED, 1) * _PACKED,
            "enable_gpu": self.device == "gpu",
        }


@dataclass(frozen=True, slots=True)
class SdvModel:
    """A fitted synthesiser of SDV; ``fitted`` is None where no axis varies. ``told`` are facts about it.

    It refuses to be pickled: SDV's objects hold the rows they were trained on.
    """

    columns: Columns = field(repr=False)
    fitted: Any = field(repr=False)
    schedule: Schedule
    told: Mapping[str, int | float | str] = field(default_factory=dict)

    def sample(self, n: int, rng: np.random.Generator, allowed: Allowed | None = None) -> Codes:
        """Return ``n`` drawn rows, shape (n, axes), all of whose codes are ``allowed``; see ``Model``."""
        return rejected(self._drawn, n, rng, allowed)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a fitted synthesiser is not to be written to disk")

    def _drawn(self, n: int, rng: np.random.Generator) -> Codes:
        if self.fitted is None or not n:
            return np.repeat(self.columns.constant[None, :], n, axis=0)
        rule = f"{self.schedule.method} draws no rows: its training diverged"
        found = until(n, lambda size: self._batch(size, rng), rule=rule)
        return np.concatenate(found.batches)[:n]

    def _batch(self, n: int, rng: np.random.Generator) -> Codes:
        """Rows that hold only codes, n or fewer."""
        seed = int(rng.integers(2**32))
        with apart(rng, device=self.schedule.device):
            try:
                self.fitted.reset_sampling()
                self.fitted._set_random_state(seed)
                drawn, _ = self.fitted._sample_rows(n)
            except (ValueError, RuntimeError):
                raise SynthesisFailed(
                    f"{self.schedule.method} cannot be drawn from: its training diverged"
                ) from None
        return self.columns.codes({name: drawn[name].to_numpy() for name in drawn.columns})


def fit(
    coded: Coded,
    rng: np.random.Generator,
    *,
    method: str,
    epochs: int = 300,
    batch_size: int = 500,
    device: str = "cpu",
    report: Report | None = None,
) -> SdvModel:
    """Return a synthesiser of SDV, fitted to a coded table.

    The same generator gives the same model and the same rows on the CPU, not on a GPU. ``batch_size`` is
    rounded down to a multiple of ten. ``report`` hears an estimate before the first epoch, and of each epoch.

    Raises:
        ComponentMissing: SDV is not installed.
        BadConfig: a GPU is asked for and there is none.
        SynthesisFailed: there is no row, or the training diverges.
    """
    library = loaded()
    schedule = Schedule(method, epochs, batch_size, checked_device(device))
    columns = Columns.of(coded)
    seeds: NDArray[np.int64] = rng.integers(2**63, size=4)
    if not columns.varied:
        return SdvModel(columns, None, schedule, _told(schedule))
    fitting = _Fitting(library, columns, schedule, seeds)
    fitted = fitting.of(coded.codes, report)
    return SdvModel(columns, fitted, schedule, _told(schedule))


@dataclass(frozen=True, slots=True)
class _Fitting:
    library: Any
    columns: Columns
    schedule: Schedule
    seeds: NDArray[np.int64]

    def of(self, codes: Codes, report: Report | None) -> Any:
        """The fitted synthesiser; the seconds it will take are estimated first, if there is whom to tell."""
        if report is None or not self.schedule.is_trained:
            return self._fitted(codes, self.schedule, lambda done: None)
        schedule = self.schedule
        estimate = self._seconds_per_step(codes) * _steps(len(codes), schedule) * schedule.epochs
        report(0, schedule.epochs, estimate)
        started = monotonic()

        def after(done: int) -> None:
            left = (monotonic() - started) / done * (schedule.epochs - done)
            report(done, schedule.epochs, left)

        return self._fitted(codes, schedule, after)

    def _seconds_per_step(self, codes: Codes) -> float:
        """Seconds of one batch, from the second epoch over a few: the first one warms up."""
        ends: list[float] = []
        size = _TRIAL_BATCHES * int(self.schedule.options()["batch_size"])
        few = codes[:: max(len(codes) // size, 1)][:size]
        trial = Schedule(self.schedule.method, 2, self.schedule.batch_size, self.schedule.device)
        self._fitted(few, trial, lambda done: ends.append(monotonic()))
        return (ends[1] - ends[0]) / _steps(len(few), trial)

    def _fitted(self, codes: Codes, schedule: Schedule, after: Callable[[int], None]) -> Any:
        frame = self.columns.frame(codes).to_pandas()
        with apart(np.random.default_rng(self.seeds), device=schedule.device):
            made = self._made(schedule)

            def checked(done: int) -> None:
                if not _is_sound(made._model):
                    raise SynthesisFailed(f"the training of {schedule.method} diverged in epoch {done}")
                after(done)

            try:
                with epochs_seen(checked):
                    made.fit({TABLE: frame})
            except (ValueError, RuntimeError):
                raise SynthesisFailed(f"the training of {schedule.method} failed or diverged") from None
        return made

    def _made(self, schedule: Schedule) -> Any:
        """SDV's synthesiser, not fitted; it must not print, for it may name columns."""
        metadata = self.library.metadata.Metadata.load_from_dict(self.columns.metadata())
        made = getattr(self.library.single_table, _CLASSES[schedule.method])(metadata, **schedule.options())
        made._print_warning = lambda data: None
        return made


def _is_sound(network: Any) -> bool:
    """Whether the last losses are numbers."""
    last = network.loss_values.iloc[-1].to_numpy(dtype=np.float64)
    return bool(np.isfinite(last).all())


def _steps(rows: int, schedule: Schedule) -> int:
    return max(rows // int(schedule.options()["batch_size"]), 1)


def _told(schedule: Schedule) -> dict[str, int | float | str]:
    facts = {
        "method": schedule.method,
        "device": schedule.device,
        "sdv": version("sdv"),
        "torch": version("torch"),
    }
    trained = {name: value for name, value in schedule.options().items() if name != "enable_gpu"}
    return facts | trained
