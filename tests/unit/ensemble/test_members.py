"""Members of an ensemble: trained together as alone, split by split, and none takes the others down; their measures."""

import numpy as np
import pandas as pd
import pytest
from examples import CONFIG
from meanfield.curvature import indices, spectrum
from meanfield.data import datasets
from meanfield.ensemble import members
from meanfield.errors import MeanfieldError
from meanfield.model.network import Network

SEEDS = [1, 2, 3]
PROTOCOL = {"updates": 300, "recording": CONFIG["recording"], "optimizer": CONFIG["optimizer"]}
LINEAR = datasets.stand_in("TF/Lindata.mat")
DATASET = datasets.split(*LINEAR, 0.25, 5)


def trained(activation, seeds, dataset=DATASET, graph_seeds=None, disturb=lambda theta: theta, **changes):
    """A run of 8-2 with these members."""
    from meanfield.training.initial import initial_members
    from meanfield.training.tensorflow_model import configure
    from meanfield.training.train import train

    configure(threads=1)
    network = Network.of("8-2", activation, 2, 1)
    initial = disturb(initial_members(network, graph_seeds or seeds, 1e-2, 21))
    return train(network, dataset, initial, seeds=seeds, **(PROTOCOL | changes))


@pytest.mark.parametrize("activation", ["esp", "relu"])
@pytest.mark.parametrize("batch", [[1], [2], [3, 1], [1, 2]])
def test_members_do_not_depend_on_who_shares_their_batch(activation, batch):
    together, fewer = trained(activation, SEEDS), trained(activation, batch)
    for name in ("parameters", "cost", "residual"):
        np.testing.assert_allclose(fewer[name], together[name].sel(seed=batch), rtol=1e-9, atol=1e-11)


def disturbed(theta):
    """The second member's weights so large that float32 cannot hold its cost."""
    theta[1] *= 1e14
    return theta


def test_a_member_that_diverges_is_named_and_leaves_the_others_alone():
    alone, together = trained("relu", [1, 3]), trained("relu", SEEDS, disturb=disturbed)
    assert together.diverged.values.tolist() == [-1, 0, -1]
    lost = together.sel(seed=2).drop_vars("diverged")
    assert all(lost[name].isnull().all() for name in lost)
    np.testing.assert_allclose(together.parameters.sel(seed=[1, 3]), alone.parameters, rtol=1e-9, atol=1e-11)
    assert np.isfinite(together.cost.sel(seed=[1, 3])).all()


def test_a_run_of_which_nothing_is_left_is_an_error():
    with pytest.raises(MeanfieldError, match="no longer finite: seed 1 at update 0"):
        trained("relu", [1], disturb=lambda theta: theta * 1e14)


def test_a_diverged_member_is_blank_in_spectra_and_tables_and_named_in_the_statistics():
    run = trained("relu", SEEDS, disturb=disturbed).assign_attrs(source="mirror")
    spectra = spectrum.of_run(run, DATASET, "8-2", "relu", "float32", eigenvectors_at=["last"])
    whole = spectrum.of_run(run.sel(seed=[1, 3]), DATASET, "8-2", "relu", "float32", eigenvectors_at=["last"])
    np.testing.assert_allclose(spectra.eigenvalues.sel(seed=[1, 3]), whole.eigenvalues)
    np.testing.assert_allclose(spectra.eigenvectors.sel(seed=[1, 3]), whole.eigenvectors)
    table = indices.indices(run, spectra.assign_attrs(source="mirror"))
    lost = table[table.seed == 2]
    measured = table.columns.difference(["seed", "update", "parameters", "diverged", "task", "source"])
    assert lost[measured].isna().all(axis=None)
    assert (lost.diverged == 0).all()
    assert table[table.seed != 2].diverged.isna().all()
    each = members.members(table.assign(dataset="d", architecture="8-2", activation="relu"))
    [line] = members.statistics(each).to_dict("records")
    assert (line["members"], line["diverged"]) == (3, "seed 2 at update 0")
    assert line["cost_last_median"] == pytest.approx(each.cost_last[[0, 2]].median())


def test_each_split_of_a_batch_is_that_split_alone():
    chosen = [5, 0]
    dataset = datasets.splits(*LINEAR, 0.25, chosen)
    together = trained("esp", chosen, dataset, graph_seeds=[1, 1]).assign_attrs(source="mirror")
    spectra = spectrum.of_run(together, dataset, "8-2", "esp", "float32", eigenvectors_at=["last"])
    for seed in chosen:
        one = datasets.split(*LINEAR, 0.25, seed)
        alone = trained("esp", [seed], one, graph_seeds=[1]).assign_attrs(source="mirror")
        for name in ("parameters", "cost", "residual", "test_accuracy", "train_accuracy_after"):
            np.testing.assert_allclose(together[name].sel(seed=[seed]), alone[name], rtol=1e-8, atol=1e-10)
        expected = spectrum.of_run(alone, one, "8-2", "esp", "float32", eigenvectors_at=["last"])
        np.testing.assert_allclose(spectra.eigenvalues.sel(seed=[seed]), expected.eigenvalues, atol=1e-9)
    assert not np.allclose(together.cost[0], together.cost[1])


def line(**changes):
    """One member's lines of the joint table, three records."""
    columns = {"cost": [0.8, 0.6, 0.2], "alpha": [0.5, 0.4, 0.3], "gamma": [0.0, 0.1, 0.2], "gamma_published": 0.0}
    columns |= {"train_accuracy": 0.5, "test_accuracy": [0.4, 0.5, 0.9], "zero_residuals": [0.0, 0.1, 0.4]}
    columns |= {"bulk_width": [2.0, 2.0, 1.0], "participation_ratio": [np.nan, np.nan, 3.0], "parameters": 12}
    run = {"dataset": "linear", "architecture": "10", "activation": "esp", "seed": 1, "diverged": np.nan, "source": "mirror"}
    return pd.DataFrame({"update": [0, 100, 200], **columns, **run, **changes})


def test_a_regression_has_measures_of_its_own_score():
    """Beside a classification each has what it is scored by; alone it has no columns of the other."""
    regression = line().rename(columns={"train_accuracy": "train_r2", "test_accuracy": "test_r2"}).assign(dataset="prices")
    both = members.members(pd.concat([line(), regression]))
    assert both[["test_accuracy_last", "test_r2_last"]].fillna(-1).to_numpy().tolist() == [[0.9, -1], [-1, 0.9]]
    alone = members.members(regression)
    assert not any("accuracy" in name for name in alone)
    assert members.statistics(alone).test_r2_last_median.tolist() == [0.9]
    spans = members.over_architectures(alone)
    assert spans.test_accuracy_last_range.isna().all()
    assert spans.cost_last_range.tolist() == [0]
    assert members.label("test_r2_last") == "final test R²"


def test_measures_by_hand():
    [found] = members.members(line()).to_dict("records")
    assert found["cost_mean"] == pytest.approx((0.7 * 100 + 0.4 * 100) / 200)
    assert np.isnan(found["late_fall"])  # the last record alone lies in the last quarter
    assert found["alpha_mean"] == pytest.approx(0.4)
    assert (found["gamma_max"], found["gamma_last"]) == (0.2, 0.2)
    assert found["bulk_width_kept"] == 0.5
    assert found["participation"] == 0.25
    late = members.members(line(update=[0, 160, 200]))
    assert late.late_fall[0] == pytest.approx(1 - 0.2 / 0.6)


@pytest.mark.parametrize(
    ("measure", "column"), [(name, name.rpartition("_")[0]) for name in members.MEASURES if name.endswith(("_last", "_max"))]
)
def test_last_and_largest_are_those_of_their_column(measure, column):
    [found] = members.members(line(**{column: [0.1, 0.7, 0.4]}))[measure]
    assert found == (0.4 if measure.endswith("_last") else 0.7)


def test_statistics_are_the_median_and_the_central_80_percent():
    table = pd.concat([members.members(line(seed=seed, cost=float(seed))) for seed in range(11)])
    [found] = members.statistics(table).to_dict("records")
    assert (found["cost_last_low"], found["cost_last_median"], found["cost_last_high"]) == pytest.approx((1, 5, 9))


def test_measures_of_what_was_not_computed_are_missing_not_wrong():
    [found] = members.members(line(bulk_width=0.0).drop(columns="participation_ratio")).to_dict("records")
    assert np.isnan(found["participation"])
    assert np.isnan(found["bulk_width_kept"])


def test_estimates_have_errors_and_no_measures_that_need_eigenvalues():
    errors = {
        "alpha": [0.5, 0.4, 0.3],
        "alpha_error": [0.3, 0.1, 0.2],
        "gamma": [0.5, 0.1, 0.2],
        "gamma_error": [0.05, 0.6, 0.1],
    }
    run = line(**errors)
    [found] = members.members(run).to_dict("records")
    assert found["alpha_mean_error"] == pytest.approx(0.2)
    assert found["alpha_last_error"] == pytest.approx(0.2)
    assert found["gamma_last_error"] == pytest.approx(0.1)
    assert found["gamma_max_error"] == pytest.approx(0.2)  # it may be 0.7, at the second record, and no less than 0.45
    assert np.isnan([found[name] for name in members.NEEDS]).all()
    assert not any(name.endswith("_error") for name in members.members(line()))
    several = pd.concat([members.members(run), members.members(run.assign(seed=2, alpha_error=0.4))])
    [statistics] = members.statistics(several).to_dict("records")
    assert statistics["alpha_mean_error"] == pytest.approx(0.4)


def test_spans_over_architectures_by_seed():
    costs = [("10", 1, 0.1), ("8-2", 1, 0.4), ("10", 2, 0.2)]
    lines = [line(architecture=name, seed=seed, cost=last) for name, seed, last in costs]
    table = members.over_architectures(members.members(pd.concat(lines))).set_index("seed")
    assert table.cost_last_range[1] == pytest.approx(0.3)
    assert table.cost_last_ratio[1] == pytest.approx(4)
    assert np.isnan(table.cost_last_range[2])  # it lacks 8-2
    assert set(table.architecture) == {members.ALL}
