"""Two configurations side by side, and values given after --config."""

import pytest
import yaml
from conftest import TINY, Workflow, tiny

MINE = {
    "datasets": {
        "mine": {"table": "mine.csv", "features": ["x", "y"], "target": "class", "test_size": 0.25, "split_seed": 0}
    },
    "experiments": [{"dataset": "mine", "architecture": "2", "updates": 5, "beta_stddev": 0.01, "beta_op_seed": 21}],
    "activations": ["relu"],
}


def with_folder(workflow: Workflow, name: str = "mine") -> Workflow:
    """The workflow with a folder that holds a configuration and its table."""
    folder = workflow.folder / name
    folder.mkdir()
    (folder / "mine.yaml").write_text(yaml.safe_dump(MINE))
    (folder / "mine.csv").write_text("x,y,class\n" + "".join(f"{i % 7},{(i * i) % 5},{'ab'[i % 2]}\n" for i in range(40)))
    return workflow


@pytest.mark.long
def test_a_directory_holds_a_configuration_and_all_that_comes_of_it(tmp_path, mirror):
    """Tables are sought in it, the project's own configuration where the project is, as always."""
    workflow = with_folder(Workflow(tmp_path, mirror))
    command = ("results/datasets/mine.nc", "--directory", "mine", "--configfile", "mine/mine.yaml")
    result = workflow.snakemake(*command)
    assert result.returncode == 0, result.stdout
    assert (tmp_path / "mine/results/datasets/mine.nc").exists()
    assert (tmp_path / "mine/.snakemake").is_dir()
    assert not (tmp_path / "results").exists()
    assert workflow.planned(*command) == set()


def test_a_table_that_is_not_in_the_directory_is_told(tmp_path, mirror):
    workflow = with_folder(Workflow(tmp_path, mirror))
    (tmp_path / "mine/mine.csv").rename(tmp_path / "mine.csv")
    result = workflow.snakemake("--directory", "mine", "--configfile", "mine/mine.yaml")
    assert result.returncode != 0
    assert "datasets.mine.table is 'mine.csv'; there is no such file, seen from mine/" in result.stdout


@pytest.mark.long
def test_the_tables_of_another_configuration_are_not_replaced_without_a_word(tmp_path, mirror):
    """The line comes at the start of a run that will make tables, and of no other."""
    workflow = tiny(tmp_path, mirror, activations=["esp"])
    (tmp_path / "results/tables").mkdir(parents=True)
    (tmp_path / "results/tables/summary.csv").write_text("dataset,architecture,activation,seed\ndigits,25,esp,1\n")
    dataset = workflow.snakemake("results/datasets/linear.nc", "--configfile", "tiny.yaml")
    assert "another configuration" not in dataset.stdout
    result = workflow.snakemake("tables", "--configfile", "tiny.yaml")
    assert result.returncode == 0, result.stdout
    [line] = [line for line in result.stdout.splitlines() if "another configuration" in line]
    assert "1 of its 1 runs, such as digits 25 esp" in line
    assert "--directory" in line
    assert "another configuration" not in workflow.snakemake("tables", "--configfile", "tiny.yaml").stdout


@pytest.mark.long
def test_values_within_a_mapping_after_config_have_their_types(tmp_path, mirror):
    """And those that are wrong are still one line."""
    workflow = Workflow(tmp_path, mirror)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    values = {
        "optimizer={learning_rate: 0.1, batch_size: 7, method: sgd}": None,
        "optimizer={batch_size: null}": None,
        "spectrum={eigenvectors_at: [0, last]}": None,
        "experiments=[{dataset: linear, architecture: 8-2, updates: 20, beta_stddev: 0.01, beta_op_seed: 21}]": None,
        "optimizer={learning_rate: fast}": 'optimizer.learning_rate is "fast"; allowed: a finite number',
        "optimizer={learning_rate: -0.1}": "optimizer.learning_rate is -0.1; allowed: more than 0",
        "optimizer={batch_size: 2.5}": "optimizer.batch_size is 2.5; allowed: null or a whole number",
        "optimizer={method: rmsprop}": 'optimizer.method is "rmsprop"; allowed: adam, sgd, momentum',
        "protocol=defective": 'protocol is "defective"; allowed: published, corrected, null',
    }
    runs = workflow.forked([["--dry-run", "tables", "--configfile", "tiny.yaml", "--config", value] for value in values])
    for (value, wrong), (status, output) in zip(values.items(), runs, strict=True):
        assert (status != 0) == bool(wrong), f"{value}\n{output}"
        if wrong:
            [line] = [line for line in output.splitlines() if line.startswith("configuration: ")]
            assert wrong in line
