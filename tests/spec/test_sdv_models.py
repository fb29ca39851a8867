"""SDV's methods: seeded end to end, told what every column is, and without a trace outside their process."""

from __future__ import annotations

import json
import os
import pickle
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anonymizer.errors import BadConfig, ComponentMissing, SynthesisFailed
from synth.axes import Coded
from synth.methods import sdv_models
from synth.methods.sdv_columns import Columns
from tests.conftest import ROOT
from tests.sdv_scenes import METHODS, WARD, drawn, table

NETWORKS = ("ctgan", "tvae", "copulagan")


def fit(coded: Coded, method: str = "ctgan", seed: int = 1, **options: Any) -> sdv_models.SdvModel:
    options = {"epochs": 1, "batch_size": 100} | options
    return sdv_models.fit(coded, np.random.default_rng(seed), method=method, **options)


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[dict[str, Any], str, list[Path]]]:
    """What two processes told that differ in hashes and threads, their errors, and the files they left."""
    told = []
    for number in (1, 2):
        home = tmp_path_factory.mktemp("home")
        folders = {name: str(home) for name in ("HOME", "TMPDIR", "XDG_DATA_HOME", "XDG_CACHE_HOME")}
        varied = {"PYTHONHASHSEED": str(number), "OMP_NUM_THREADS": str(number)}
        fixed = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "default"}
        done = subprocess.run(
            [sys.executable, str(ROOT / "tests" / "sdv_scenes.py")],
            env=os.environ | folders | varied | fixed,
            cwd=home,
            capture_output=True,
            text=True,
            check=True,
        )
        told.append((json.loads(done.stdout), done.stderr, sorted(home.rglob("*"))))
    return told


def test_the_same_generator_gives_the_same_bytes_in_every_process(processes: list[Any]) -> None:
    (first, _, _), (second, _, _) = processes
    assert set(first["hashes"]) == set(METHODS)
    assert first["hashes"] == second["hashes"]


def test_nothing_is_written_connected_or_started(processes: list[Any]) -> None:
    for told, _, left in processes:
        assert told["done"] == []
        assert left == []


def test_nothing_is_said(processes: list[Any]) -> None:
    assert [errors for _, errors, _ in processes] == ["", ""]


@pytest.mark.parametrize("method", METHODS)
def test_rows_hold_codes_of_the_data_and_those_allowed_alone(method: str) -> None:
    coded = table()
    rows = drawn(method, ward=WARD)
    assert rows.dtype == np.int32
    assert rows.shape == (200, 5)
    assert set(rows[:, 1]) == {2}
    assert set(rows[:, 3]) == {4}
    for axis in range(5):
        assert set(rows[:, axis]) <= set(coded.codes[:, axis])


def test_other_generators_give_other_rows_and_a_model_draws_the_same_again() -> None:
    model = fit(table())
    first, again, other = (model.sample(100, np.random.default_rng(seed)) for seed in (2, 2, 3))
    assert (first == again).all()
    assert (first != other).any()
    assert (first != fit(table(), seed=5).sample(100, np.random.default_rng(2))).any()


def test_generators_and_threads_of_the_process_are_left_as_they_were() -> None:
    import torch

    def states() -> tuple[Any, ...]:
        return (
            random.getstate(),
            np.random.get_state()[1].tolist(),
            torch.get_rng_state().tolist(),
            torch.get_num_threads(),
            torch.are_deterministic_algorithms_enabled(),
        )

    before = states()
    drawn("tvae")
    assert states() == before


def test_what_a_column_is_is_told_and_never_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    from synth.methods.sdv_apart import loaded

    library = loaded()
    single = library.metadata._single_table._SingleTableMetadata
    detections = [
        (kind, name) for kind in (library.metadata.Metadata, single) for name in dir(kind) if "detect" in name
    ]
    assert len(detections) > 3
    for kind, name in detections:
        monkeypatch.setattr(kind, name, _refused)
    given: list[Any] = []
    kept = library.single_table.CTGANSynthesizer.fit
    monkeypatch.setattr(
        library.single_table.CTGANSynthesizer,
        "fit",
        lambda self, data: (given.append(data), kept(self, data)),
    )
    fit(table())
    [frame] = given[0].values()
    assert Columns.of(table()).metadata()["tables"]["codes"]["columns"] == {
        "axis 0 number": {"sdtype": "numerical"},
        "axis 4 number": {"sdtype": "numerical"},
        "axis 1": {"sdtype": "categorical"},
        "axis 2": {"sdtype": "categorical"},
        "axis 4": {"sdtype": "categorical"},
    }
    assert set(frame["axis 4"]) == {"in order", "10"}
    assert set(frame["axis 1"]) == {"0", "1", "2", "3", "4"}


def _refused(*_: object, **__: object) -> None:
    raise AssertionError("metadata were detected")


@pytest.mark.parametrize("method", NETWORKS)
def test_an_estimate_comes_first_and_then_every_epoch(method: str) -> None:
    heard: list[tuple[int, int, float]] = []
    told = fit(table(), method, epochs=3, report=lambda *all_three: heard.append(all_three))
    assert [(done, epochs) for done, epochs, _ in heard] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert heard[0][2] > 0
    assert heard[-1][2] == 0
    untold = fit(table(), method, epochs=3)
    rows, same = (model.sample(50, np.random.default_rng(0)) for model in (told, untold))
    assert (rows == same).all()


def test_a_copula_has_no_epochs_to_tell_of() -> None:
    model = fit(table(), "sdv-gaussian-copula", report=_refused)
    assert model.told.keys() == {"method", "device", "sdv", "torch"}


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sdv", None)
    with pytest.raises(ComponentMissing, match=r"requirements-sdv\.txt") as caught:
        fit(table())
    assert caught.value.exit_code == 69


def test_a_graphics_card_is_asked_for_and_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BadConfig, match="gpu"):
        fit(table(), device="gpu")
    assert fit(table()).told["device"] == "cpu"


@pytest.mark.parametrize("method", ["ctgan", "copulagan"])
def test_training_that_diverges_is_refused(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = sdv_models.Schedule.options
    fast = {"generator_lr": 1e30, "discriminator_lr": 1e30}
    monkeypatch.setattr(sdv_models.Schedule, "options", lambda self: kept(self) | fast)
    with pytest.raises(SynthesisFailed, match="diverged") as caught:
        fit(table(), method, epochs=20)
    assert caught.value.exit_code == 12


def test_a_loss_that_is_no_number_ends_the_training_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from ctgan.synthesizers import tvae

    kept = tvae._loss_function
    monkeypatch.setattr(tvae, "_loss_function", lambda *about: [part * float("nan") for part in kept(*about)])
    with pytest.raises(SynthesisFailed, match="diverged in epoch 1"):
        fit(table(), "tvae", epochs=20)


@pytest.mark.parametrize("method", ["ctgan", "tvae"])
def test_a_network_that_draws_no_numbers_is_refused(method: str) -> None:
    import torch

    model = fit(table(), method)
    network = model.fitted._model._generator if method == "ctgan" else model.fitted._model.decoder
    with torch.no_grad():
        for weights in network.parameters():
            weights.fill_(float("nan"))
    with pytest.raises(SynthesisFailed, match="diverged"):
        model.sample(10, np.random.default_rng(0))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rows", [2, 11])
def test_few_rows_suffice(method: str, rows: int) -> None:
    model = fit(table(rows), method, batch_size=37)
    assert model.sample(25, np.random.default_rng(0)).shape == (25, 5)
    assert model.told.get("batch_size", 30) == 30


def test_one_row_is_drawn_again_and_no_row_is_refused() -> None:
    coded = table(1)
    assert (fit(coded).sample(3, np.random.default_rng(0)) == coded.codes[0]).all()
    none = replace(coded, codes=coded.codes[:0], people=coded.people[:0])
    with pytest.raises(SynthesisFailed, match="no row"):
        fit(none)


def test_a_model_is_not_written() -> None:
    with pytest.raises(TypeError, match="disk"):
        pickle.dumps(fit(table(1)))


def test_what_the_data_do_not_have_is_not_drawn_under_a_condition() -> None:
    with pytest.raises(SynthesisFailed):
        fit(table(1)).sample(5, np.random.default_rng(0), {3: np.arange(7) == 0})


def test_the_methods_learn_the_table() -> None:
    """Two axes that go together still do, and as much is missing as was."""
    rows = fit(table(2000), "sdv-gaussian-copula").sample(2000, np.random.default_rng(0))
    age, laboratory = rows[rows[:, 4] < 10][:, [0, 4]].T
    assert np.corrcoef(age, laboratory)[0, 1] > 0.5
    assert abs((rows[:, 4] == 10).mean() - 0.2) < 0.05
