"""The published runs in the arithmetic of 2018: every bit, whatever the processor; and beside TensorFlow's kernels."""

import os
import subprocess
import sys

import examples
import numpy as np
import pandas as pd
import pytest
from meanfield.data.task import part
from meanfield.errors import MeanfieldError
from meanfield.model.network import Network
from meanfield.training import replay, tensorflow_training
from meanfield.training.arithmetic import Environment
from meanfield.training.schedule import learning_rates

AT_HAND = [run for run in examples.RUNS if run[:2] in (("linear", "10"), ("linear", "8-2"), ("nonlinear", "10"))]
BINARY = [run for run in examples.RUNS if run[0] != "digits"]
DIGITS = [pytest.param(run, marks=pytest.mark.long) for run in examples.RUNS if run[0] == "digits"]


def headline(run):
    summary = pd.read_csv(examples.ROOT / "config/published/summary.csv").set_index(["experiment", "activation"])
    return summary.loc[f"{run[0]}_{run[1]}", run[2]]


@pytest.mark.parametrize("run", AT_HAND, ids="_".join)
def test_every_published_bit(run, published):
    ours = examples.replayed(run, published).isel(seed=0)
    stored = np.load(published / "extracted" / f"{'_'.join(run)}.npz")
    np.testing.assert_array_equal(ours.cost, examples.published_array(run, "cost", published))
    accuracies = [ours.train_accuracy, ours.test_accuracy]
    np.testing.assert_array_equal(accuracies, examples.published_array(run, "accuracy", published))
    np.testing.assert_array_equal(ours.residual, examples.published_array(run, "residual", published))
    np.testing.assert_array_equal(ours.gradient, stored["gradient"])
    np.testing.assert_array_equal(ours.parameters, stored["parameters"])


@pytest.mark.parametrize("run", [*BINARY, *DIGITS], ids="_".join)
def test_every_headline_cost(run, published):
    ours, theirs = examples.replayed(run, published).isel(seed=0), headline(run)
    assert (float(ours.cost[0]), float(ours.cost[-1])) == (theirs.cost_first, theirs.cost_last)
    assert float(ours.train_accuracy[-1]) == theirs.train_accuracy_last
    assert float(ours.test_accuracy[-1]) == theirs.test_accuracy_last


def test_without_the_exceptions_some_runs_leave_the_published_one(published):
    """What the ten values are worth: with them switched off, this run's costs part ways with the published ones."""
    run = ("linear", "8-2", "sigmoid")
    without = examples.replayed(run, published, exceptions=False).isel(seed=0)
    differing = (without.cost != examples.published_array(run, "cost", published)).sum()
    assert 0 < differing < len(without["update"])
    assert without.attrs["arithmetic"] == "2018, its C library correctly rounded"


@pytest.mark.parametrize("activation", replay.ACTIVATIONS)
@pytest.mark.parametrize(("inputs", "labels", "architecture"), [(2, 1, "10"), (2, 1, "8-2"), (3, 4, "5-4-3")])
def test_tensorflows_kernels_agree_but_for_rounding(activation, inputs, labels, architecture):
    data = examples.synthetic_dataset(inputs, labels)
    network = Network.of(architecture, activation, inputs, labels)
    sets = {name: part(data, name) for name in ("train", "test")}
    initial = np.random.default_rng(1).normal(size=(2, network.size))
    rates = learning_rates(20, 0.01, 0.9, 500)
    common = network, sets, initial, rates, examples.CONFIG["optimizer"], "esp"
    ours = replay.Trainer(*common, environment=Environment.of("binary", None))
    theirs = tensorflow_training.Trainer(*common, loss="sigmoid cross-entropy", averaging="float32")
    for updates in (1, 12):
        for mine, other in zip(ours.advance(updates), theirs.advance(updates), strict=True):
            np.testing.assert_allclose(mine, other, rtol=1e-6, atol=1e-12)
        for mine, other in zip(ours.measure(), theirs.measure(), strict=True):
            np.testing.assert_allclose(mine, other, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(ours.theta, theirs.theta, rtol=0, atol=1e-10)


def test_other_activations_are_refused():
    data = examples.synthetic_dataset()
    network, sets = Network.of("3", "tanh", 2, 1), {name: part(data, name) for name in ("train", "test")}
    with pytest.raises(MeanfieldError, match="known for esp, relu, sigmoid, not for tanh; set arithmetic: tensorflow"):
        replay.Trainer(
            network, sets, np.zeros((1, 13)), np.ones(1), {}, "probability", environment=Environment.of("binary", None)
        )


BITS = """
import hashlib, sys
from pathlib import Path
import examples
run = examples.replayed(("linear", "8-2", "esp"), Path(sys.argv[1]))
names = ("cost", "parameters", "residual", "gradient_norm")
print(hashlib.sha256(b"".join(run[name].values.tobytes() for name in names)).hexdigest())
"""
TWO_THREADS = {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
FEATURES = "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL X86_V3 X86_V4"  # of NumPy's own


@pytest.mark.parametrize(
    "surroundings",
    [
        {"OPENBLAS_CORETYPE": "Prescott"},
        pytest.param({"OPENBLAS_CORETYPE": "Haswell"} | TWO_THREADS, marks=pytest.mark.long),
        pytest.param({"NPY_DISABLE_CPU_FEATURES": FEATURES}, marks=pytest.mark.long),
        pytest.param({"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F,-AVX"}, marks=pytest.mark.long),
    ],
    ids=lambda surroundings: " ".join(surroundings),
)
def test_the_bits_do_not_depend_on_the_processor_or_the_threads(surroundings, published):
    def bits(**variables):
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(map(str, (examples.ROOT / "scripts", examples.ROOT / "tests")))
        }
        command = [sys.executable, "-W", "ignore", "-c", BITS, str(published)]
        return subprocess.run(command, env=environment | variables, text=True, capture_output=True).stdout

    assert len(bits().strip()) == 64
    assert bits(**surroundings) == bits()
