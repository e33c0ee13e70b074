"""The comparator is itself compared: with the publication, and with wrong results that must not pass."""

import io

import examples
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from meanfield.curvature import spectrum
from meanfield.data import published as publication
from meanfield.errors import MeanfieldError
from meanfield.figures.verdicts import COLOURS, page
from meanfield.verification import comparison, tolerances, verdicts

RUN = ("linear", "8-2", "esp")
RELU = ("linear", "8-2", "relu")


def theirs(run, published):
    files = publication.array_files(run, publication.registry(examples.ROOT / "config/published/registry.csv"))
    arrays = {name: publication.read_array(published / file) for name, file in files.items()}
    return comparison.published_quantities(arrays, 36, examples.network(run, published).size)


def ours(run, published):
    trajectory, network, objective = (
        examples.trajectory(run, published), examples.network(run, published), examples.objective(run[0], published)
    )  # fmt: skip
    spectra = spectrum.along_trajectory(trajectory, network, objective)
    return {name: array[0] for name, array in tolerances.quantities(trajectory, spectra, network, objective).items()}


@pytest.fixture(scope="module")
def noise(published):
    """Measured tolerances of RUN, from three moved members."""
    from meanfield.training.initial import initial_members
    from meanfield.training.train import train

    examples.trajectory(RUN, published)  # configures TensorFlow
    network, objective = examples.network(RUN, published), examples.objective("linear", published)
    settings = examples.EXPERIMENTS[RUN[:2]]
    [initial] = initial_members(network, [1], settings["beta_stddev"], settings["beta_op_seed"])
    members = tolerances.moved_by_one_unit(initial, 3)
    moved = train(network, examples.dataset("linear", published), members, seeds=range(4), **examples.protocol(RUN))
    result = theirs(RUN, published)
    return {
        tolerances.FLOAT32: tolerances.averaging_noise(moved.parameters.values[0], network, objective),
        tolerances.ENVELOPE: tolerances.envelope(moved, network, objective),
        tolerances.SOLVER: tolerances.solver_noise(result["hessians"]),
    }


def verdict(rows, name):
    return next(row["verdict"] for row in rows if row["quantity"] == name)


def test_a_published_run_agrees(published, noise):
    rows = comparison.compare(ours(RUN, published), theirs(RUN, published), noise)
    assert [row["quantity"] for row in rows] == list(tolerances.QUANTITIES)
    assert {row["verdict"] for row in rows} <= {comparison.IDENTICAL, tolerances.FLOAT32, tolerances.ENVELOPE}
    assert verdict(rows, "cost") == verdict(rows, "alpha") == verdict(rows, "gamma") == comparison.IDENTICAL
    assert all(row["records"] == 36 for row in rows)


def test_relu_alpha_is_within_solver_noise(published):
    mine, published_values = ours(RELU, published), theirs(RELU, published)
    noise = {tolerances.SOLVER: tolerances.solver_noise(published_values["hessians"])}
    assert verdict(comparison.compare(mine, published_values, noise), "alpha") == tolerances.SOLVER
    measured = noise[tolerances.SOLVER]
    assert (measured.alpha_low <= published_values["alpha"] + 1e-12).all()
    assert (measured.alpha_high >= published_values["alpha"] - 1e-12).all()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("cost", lambda array: array + 1e-4 * (np.arange(len(array)) == 20)),
        ("gamma", lambda array: array + (np.arange(len(array)) == 7) / 56),
        ("alpha", lambda array: array - (np.arange(len(array)) == 35) / 56),
        ("test_accuracy", lambda array: array[::-1]),
        ("residual", lambda array: -array),
        ("eigenvalues", lambda array: array * 1.001),
        ("hessians", lambda array: array.swapaxes(-1, -2)[..., ::-1]),
    ],
)
def test_a_wrong_result_differs(published, noise, name, change):
    wrong = ours(RUN, published)
    wrong[name] = change(wrong[name])
    assert verdict(comparison.compare(wrong, theirs(RUN, published), noise), name) == comparison.DIFFERS


@pytest.mark.parametrize(
    ("run", "change"),
    [
        (RUN, lambda alpha: 0 * alpha),
        (RUN, lambda alpha: alpha[::-1]),
        (RUN, lambda alpha: alpha + (np.arange(36) == 9) / 56),
        (RELU, lambda alpha: 0 * alpha),
        (RELU, lambda alpha: alpha + 0.4 * (np.arange(36) == 9)),
    ],
)
def test_a_wrong_publication_differs_too(published, run, change):
    values = theirs(run, published)
    measured = {tolerances.SOLVER: tolerances.solver_noise(values["hessians"])}
    values["alpha"] = change(values["alpha"])
    assert verdict(comparison.compare(ours(run, published), values, measured), "alpha") == comparison.DIFFERS


def test_nan_and_missing_arrays_never_pass(published, noise):
    mine, values = ours(RUN, published), theirs(RUN, published)
    mine["cost"] = np.where(np.arange(36) == 3, np.nan, mine["cost"])
    del values["gamma"]
    rows = comparison.compare(mine, values, noise, {"gamma": "no answer"})
    assert verdict(rows, "cost") == comparison.DIFFERS
    assert verdict(rows, "gamma") == comparison.NOT_AVAILABLE
    assert next(row for row in rows if row["quantity"] == "gamma")["tolerance_from"] == "no answer"


def test_a_registry_that_lacks_an_array_is_an_error():
    checksums = publication.registry(examples.ROOT / "config/published/registry.csv")
    kept = {path: checksum for path, checksum in checksums.items() if "cost_relu10" not in path}
    with pytest.raises(MeanfieldError, match="lacks cost of linear 10 relu"):
        publication.array_files(("linear", "10", "relu"), kept)


def test_two_runs_swapped_differ(published, noise):
    other = ours(("linear", "8-2", "sigmoid"), published)
    other = {name: array for name, array in other.items() if name not in ("eigenvalues", "hessians")}
    rows = comparison.compare({**ours(RUN, published), **other}, theirs(RUN, published), noise)
    assert verdict(rows, "cost") == verdict(rows, "residual") == comparison.DIFFERS


def test_headline_figures(published, noise):
    summary = pd.read_csv(examples.ROOT / "config/published/summary.csv").set_index(["experiment", "activation"])
    headline = summary.loc["linear_8-2", "esp"]
    rows = comparison.compare_headlines(ours(RUN, published), headline, noise)
    assert {row["verdict"] for row in rows} <= {comparison.IDENTICAL, tolerances.FLOAT32}
    rows = comparison.compare_headlines(ours(RUN, published), headline.copy().replace(headline.cost_last, 0.1), noise)
    assert verdict(rows, "cost_last") == comparison.DIFFERS


def test_a_shorter_run_is_not_judged_by_the_last_record(published, noise):
    summary = pd.read_csv(examples.ROOT / "config/published/summary.csv").set_index(["experiment", "activation"])
    mine = {name: array[:20] for name, array in ours(RUN, published).items()}
    shorter = {kind: measured.isel(epoch=slice(20)) for kind, measured in noise.items()}
    rows = comparison.compare_headlines(mine, summary.loc["linear_8-2", "esp"], shorter)
    assert [row["quantity"] for row in rows] == ["cost_first", "alpha_first", "gamma_first"]


def test_arrays_of_wrong_shape_or_content_are_errors(published):
    arrays = {"cost": np.zeros(36), "accuracy": np.zeros((2, 36)), "hessians": np.zeros((36, 5, 5))}
    assert "train_accuracy" in comparison.published_quantities(arrays, 36, 5)
    for name, wrong in (("cost", np.zeros(30)), ("hessians", np.zeros((36, 5, 4))), ("accuracy", np.zeros(36))):
        with pytest.raises(MeanfieldError, match=f"published {name} has shape"):
            comparison.published_quantities({**arrays, name: wrong}, 36, 5)
    with pytest.raises(MeanfieldError, match="NaN"):
        comparison.published_quantities({"cost": np.full(36, np.nan)}, 36, 5)


@pytest.mark.parametrize("content", ["pickle", "truncated", "text", "integers"])
def test_unreadable_arrays_are_errors_and_nothing_is_unpickled(tmp_path, content):
    buffer = io.BytesIO()
    trace = tmp_path / "trace"

    class Payload:
        def __reduce__(self):
            return (open, (str(trace), "w"))

    array = {"pickle": np.array([Payload()], dtype=object), "integers": np.arange(3)}.get(content, np.arange(9.0))
    np.save(buffer, array, allow_pickle=True)
    trace.unlink(missing_ok=True)
    data = {"truncated": buffer.getvalue()[:-8], "text": b"<html>404</html>"}.get(content, buffer.getvalue())
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(MeanfieldError, match=r"a\.npy is no"):
        publication.read_array(tmp_path / "a.npy")
    assert not trace.exists()


def test_every_published_array_is_found_in_the_registry():
    checksums = publication.registry(examples.ROOT / "config/published/registry.csv")
    files = [path for run in examples.RUNS for path in publication.array_files(run, checksums).values()]
    assert sorted(files) == sorted(path for path in checksums if path.endswith(".npy"))
    assert publication.array_files(("linear", "10", "tanh"), checksums) == {}


def test_moved_members_differ_by_one_unit_everywhere():
    theta = np.array([0.5, -0.25, 0.0])
    moved = tolerances.moved_by_one_unit(theta, 8)
    np.testing.assert_array_equal(moved[0], theta)
    assert (moved[1:] != theta).all()
    assert np.abs(moved - theta).max() <= np.spacing(0.5)


def test_tables_of_verdicts():
    rows = [comparison.judge("cost", np.array([d]), np.ones(1), {}) for d in (0.0, 1e-8, 1.0)]
    rows.append(comparison.unjudged("cost", comparison.NOT_AVAILABLE, "x could not be obtained"))
    table = pd.DataFrame(rows).assign(run=["a", "b", "c", "d"])
    assert verdicts.overview(table)["cost"].tolist() == [
        comparison.IDENTICAL, tolerances.FLOAT32, comparison.DIFFERS, comparison.NOT_AVAILABLE
    ]  # fmt: skip
    assert verdicts.sentence(table).endswith("1 differs, 1 not available; differing: c cost")
    assert "x could not be obtained" in verdicts.markdown(table)
    assert COLOURS[comparison.DIFFERS] in page(table)


def test_envelope_of_a_large_network_is_measured_where_it_says(monkeypatch, published):
    monkeypatch.setattr(spectrum, "SMALL", 10)
    trajectory = examples.trajectory(RUN, published)
    moved = xr.concat([trajectory, trajectory.assign_coords(seed=[2])], "seed")
    network, objective = examples.network(RUN, published), examples.objective("linear", published)
    result = tolerances.envelope(moved, network, objective)
    assert result.alpha.notnull().sum() == len(result.epoch[:: tolerances.LARGE_EVERY])
    assert (result.cost == 0).all()
    assert "hessians" not in result
