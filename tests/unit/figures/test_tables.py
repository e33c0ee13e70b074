import numpy as np
import pandas as pd
import pytest
from meanfield.figures import tables

COLUMNS = ["cost", "train_accuracy", "test_accuracy", "lambda_max"]


def example() -> pd.DataFrame:
    rows = pd.DataFrame({name: [0.5, 0.25] for name in [*COLUMNS, *tables.ENDS]})
    return rows.assign(
        dataset="my_data", architecture="8-2", activation="esp", seed=1, lambda_min=[-1.0, np.nan], source="mirror"
    )


def test_summary_takes_the_first_and_the_last_record_also_where_a_value_is_missing():
    [row] = tables.summary(example()).to_dict("records")
    assert (row["records"], row["cost_first"], row["cost_last"]) == (2, 0.5, 0.25)
    assert np.isnan(row["lambda_min_last"])
    assert row["source"] == "mirror"


def test_summary_has_the_scores_that_there_are():
    renamed = {"train_accuracy": "train_r2", "test_accuracy": "test_r2"}
    regression = example().rename(columns=renamed).assign(dataset="prices")
    first, second = tables.summary(pd.concat([example(), regression], ignore_index=True)).to_dict("records")
    assert (first["test_accuracy_last"], second["test_r2_last"]) == (0.25, 0.25)
    assert np.isnan([first["test_r2_last"], second["test_accuracy_last"]]).all()
    assert "test_r2_last" not in tables.summary(example())
    table = tables.deviations(*[tables.summary(regression)] * 3)
    assert {"test_r2_published", "test_r2_tensorflow", "test_r2_corrected"} <= set(table)
    assert not any("accuracy" in name for name in table)


def test_the_page_has_the_first_and_the_last_of_six_quantities():
    brief = tables.brief(tables.summary(example()))
    ends = [name.removesuffix("_first") for name in brief if name.endswith("_first")]
    assert ends == ["cost", "train_accuracy", "test_accuracy", "zero_residuals", "alpha", "gamma"]
    assert brief.columns.tolist() == [
        *("dataset", "architecture", "activation", "seed"), *(f"{name}_{end}" for name in ends for end in ("first", "last")),
        "source",
    ]  # fmt: skip


def test_estimates_have_their_errors_beside_them():
    errors = {f"{name}_error": [0.125, 0.25] for name in ("alpha", "gamma", "lambda_min", "lambda_max")}
    summary = tables.summary(example().assign(**errors))
    assert summary[["alpha_error_first", "gamma_error_last", "lambda_max_error_last"]].to_numpy().tolist() == [
        [0.125, 0.25, 0.25]
    ]
    assert list(summary)[-1] == "source"
    shown = list(tables.brief(summary))
    assert shown[shown.index("alpha_last") + 1] == "alpha_error_first"
    compared = tables.deviations(*[summary] * 3)
    assert compared[["alpha_error_resolved", "alpha_error_tensorflow", "gamma_error_corrected"]].to_numpy().tolist() == [
        [0.25] * 3
    ]
    assert "alpha_error_published" not in compared
    exact = tables.summary(example())
    assert not any("error" in name for name in (*exact, *tables.deviations(*[exact] * 3)))


@pytest.mark.parametrize("which", range(4))
def test_a_line_of_protocols_is_of_stand_in_data_if_one_of_them_had_these(which):
    published = tables.summary(example())
    protocols = [published.assign(source="stand-in" if number == which else "mirror") for number in range(4)]
    assert tables.deviations(*protocols).source.tolist() == ["stand-in"]


def test_a_line_of_protocols_has_the_source_of_the_published_one_if_none_had_stand_in_data():
    published = tables.summary(example())
    assert tables.deviations(*[published] * 4).source.tolist() == ["mirror"]
    others = published.assign(dataset="digits")  # there is no softmax of runs with two classes
    assert tables.deviations(*[published] * 3, others).source.tolist() == ["mirror"]


def test_latex_has_four_digits_and_escaped_names(tmp_path):
    table = example().assign(tolerance=1.23456e-15)
    tables.write(table, "example", *(tmp_path / f"a.{ending}" for ending in ("csv", "md", "tex", "html")))
    latex = (tmp_path / "a.tex").read_text()
    assert r"my\_data" in latex
    assert "1.235e-15" in latex
    assert "1.235e-15" in (tmp_path / "a.html").read_text()
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "a.csv"), table, check_dtype=False)


def test_a_table_joined_run_by_run_is_that_of_all_runs(tmp_path):
    other = (
        example()
        .rename(columns={"test_accuracy": "test_r2", "train_accuracy": "train_r2"})
        .assign(activation="null", architecture="10")
    )
    for name, table in (("a", example()), ("b", other)):
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    paths = [str(tmp_path / f"{name}.csv") for name in "ab"]
    begin, whole = tables.write_joined(paths, tmp_path / "joined.csv"), tables.by_run(lambda run: run, paths)
    whole.to_csv(tmp_path / "whole.csv", index=False)
    assert (tmp_path / "joined.csv").read_text() == (tmp_path / "whole.csv").read_text()
    pd.testing.assert_frame_equal(begin, whole)
    assert whole.activation.tolist() == ["esp", "esp", "null", "null"], "a name is text, whatever it reads like"
    pd.testing.assert_frame_equal(tables.by_run(tables.summary, paths), tables.summary(whole), check_like=True)


def test_a_long_table_ends_for_reading_and_says_so(tmp_path):
    long = pd.DataFrame({"dataset": "d", "cost": np.arange(tables.MOST + 2.0)})
    paths = [tmp_path / f"a.{ending}" for ending in ("csv", "md", "tex", "html")]
    tables.write(long, "example", *paths, on_page=long[["cost"]])
    assert len(pd.read_csv(paths[0])) == tables.MOST + 2
    for path in (paths[1], paths[3]):
        assert f"the first {tables.MOST} lines" in path.read_text()
        assert f"{tables.MOST - 1}" in path.read_text()
        assert f"{tables.MOST + 1}" not in path.read_text()
    assert "All 2 columns are in the CSV file beside this page." in paths[3].read_text()


def test_benchmarks_by_rule(tmp_path):
    for rule, job, seconds in (("video", "a", 1.5), ("video", "b", 2.0), ("tables", "c", 0.5)):
        (tmp_path / rule).mkdir(exist_ok=True)
        (tmp_path / rule / f"{job}.tsv").write_text(f"s\tmax_rss\n{seconds}\t{100 * seconds}\n")
    table = tables.benchmarks(sorted(tmp_path.rglob("*.tsv"))).set_index("rule")
    assert table.loc["video"].tolist() == [2, 3.5, 2.0, 200.0]
