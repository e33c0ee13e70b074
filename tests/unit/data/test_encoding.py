"""Columns as numbers: categories, missing values, decimal signs, classes and one-hot targets; one line for every mistake."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from meanfield.data import encoding, user_data
from meanfield.errors import MeanfieldError
from meanfield.model.losses import CLASSIFICATION, REGRESSION

TABLE = pd.DataFrame(
    {
        "length": [39.1, 46.5, 47.2, 38.0, 49.9, 40.3],
        "depth": [18.7, 17.9, 15.2, 18.1, 15.9, 19.0],
        "island": ["Dream", "Biscoe", "Dream", "Dream", "Biscoe", "Dream"],
        "species": ["Adelie", "Gentoo", "Gentoo", "Adelie", "Gentoo", "Adelie"],
    }
)
SETTINGS = {"encode": ["island"]}


@pytest.fixture
def read(tmp_path):
    """Writes a table, by default with semicolons and decimal commas, and reads it with settings of a dataset."""

    def go(table=TABLE, written=None, target="species", task=CLASSIFICATION, features=None, **settings):
        table.to_csv(tmp_path / "t.csv", **{"sep": ";", "decimal": ",", "index": False} | (written or {}))
        return user_data.read(str(tmp_path / "t.csv"), features, target, task, **settings)

    return go


def line(read, *words, **settings) -> None:
    """That reading fails with one line that has these words."""
    with pytest.raises(MeanfieldError) as raised:
        read(**settings)
    message = str(raised.value)
    assert "\n" not in message
    assert all(word in message for word in ("t.csv", *words)), message


GERMAN = {"delimiter": ";", "decimal": ","}


def test_all_columns_but_the_target_with_categories_as_indicators(read):
    features, target = read(**GERMAN, **SETTINGS)
    assert features.feature.values.tolist() == ["length", "depth", "island=Biscoe", "island=Dream"]
    np.testing.assert_array_equal(features[:, :2], TABLE[["length", "depth"]])
    np.testing.assert_array_equal(features[:, 3], TABLE.island == "Dream")
    assert target.attrs == {"column": "species", "classes": ["Adelie", "Gentoo"]}
    assert target.label.values.tolist() == ["Gentoo"]
    np.testing.assert_array_equal(target[:, 0], TABLE.species == "Gentoo")
    np.testing.assert_array_equal(features.row, range(1, 7))


def test_a_tab_separates_where_the_file_says_so_by_its_ending(tmp_path):
    TABLE.to_csv(tmp_path / "t.tsv", sep="\t", index=False)
    features, _ = user_data.read(str(tmp_path / "t.tsv"), ["length", "depth"], "species", CLASSIFICATION)
    np.testing.assert_array_equal(features, TABLE[["length", "depth"]])


def test_another_delimiter_than_the_settings_say_is_named(read):
    line(read, "a single column, 'length;depth;island;species'", 'set delimiter: ";"')
    line(read, 'set delimiter: "\\t"', written={"sep": "\t"})
    line(read, 'set delimiter: ","', written={"sep": ",", "decimal": "."}, delimiter=";")


def test_another_decimal_sign_than_the_settings_say_is_named(read):
    line(read, "'length', sample 1, is '39,1', which is no number", 'set decimal: ","', delimiter=";", **SETTINGS)

    thousands = TABLE.assign(length=["1.039,1", *TABLE.length[1:].astype(str).str.replace(".", ",")])
    line(read, "'length', sample 1, is '1.039,1', which is no number", table=thousands, **GERMAN, **SETTINGS)
    pointed = TABLE.assign(length=TABLE.length.astype(str))
    line(read, "is '39.1', which is no number", 'set decimal: "."', table=pointed, **GERMAN, **SETTINGS)


def test_text_that_is_not_encoded_is_one_line_with_the_remedy(read):
    line(read, "'island', sample 1, is 'Dream', which is no number; name it under encode", **GERMAN)
    line(read, "'species' is under encode and not among the features", encode=["island", "species"], **GERMAN)
    line(read, "'island' has one category", table=TABLE.assign(island="Dream"), **GERMAN, **SETTINGS)
    line(read, "6 categories in 6 samples", table=TABLE.assign(island=list("abcdef")), **GERMAN, **SETTINGS)
    line(
        read, "two columns would be called 'island=Dream'", table=TABLE.assign(**{"island=Dream": 1.0}), **GERMAN, **SETTINGS
    )


def test_a_column_without_a_name_is_no_feature_by_default(read):
    line(read, "a column has no name", table=TABLE.rename(columns={"depth": ""}), **GERMAN, **SETTINGS)
    line(read, "no column but the target", table=TABLE[["species"]], **GERMAN)


def test_samples_with_missing_values_are_an_error_or_dropped_and_counted(read):
    gaps = TABLE.assign(
        length=[39.1, np.nan, *TABLE.length[2:]], island=["Dream", None, *TABLE.island[2:5], None]
    )  # two of row 2, one of row 6
    line(read, "'length' has 1 missing values, first in sample 2", "missing: drop", table=gaps, **GERMAN, **SETTINGS)
    said = []
    features, _ = read(table=gaps, missing="drop", say=said.append, **GERMAN, **SETTINGS)
    np.testing.assert_array_equal(features.row, [1, 3, 4, 5])
    assert len(said) == 1
    assert "2 of 6 rows dropped, since values are missing ('length' 1, 'island' 2)" in said[0]
    said.clear()
    read(table=gaps, features=["depth", "length"], target="species", missing="drop", say=said.append, **GERMAN)
    assert "1 of 6 rows" in said[0]  # a column that is not used costs no sample
    none = TABLE.assign(length=np.nan)
    line(read, "each of the 6 rows has a missing value", table=none, missing="drop", **GERMAN, **SETTINGS)


ENGLISH = {"sep": ",", "decimal": "."}
MARKED = TABLE.assign(
    length=["39.1", "NA", "47.2", "nan", "", "40.3"], species=["NA", "Europe", "Europe", "NA", "Europe", "NA"]
)


def test_na_is_missing_among_numbers_and_a_name_among_text(read):
    settings = {"table": MARKED, "written": ENGLISH, "features": ["length", "depth"]}
    line(read, "'length' has 3 missing values, first in sample 2, which reads 'NA'; fill them", **settings)
    said = []
    features, _ = read(missing="drop", say=said.append, **settings)
    np.testing.assert_array_equal(features, TABLE[["length", "depth"]].iloc[[0, 2, 5]])
    np.testing.assert_array_equal(features.row, [1, 3, 6])
    assert "'species' reads 'NA' in 3 rows, taken as a name" in said[0]
    assert "3 of 6 rows dropped" in said[1]


def test_a_class_called_na_stays(read):
    said = []
    _, target = read(MARKED, ENGLISH, features=["depth", "island"], missing="drop", encode=["island"], say=said.append)
    assert target.attrs["classes"] == ["Europe", "NA"]
    np.testing.assert_array_equal(target[:, 0], MARKED.species == "NA")
    assert len(said) == 1
    mixed = MARKED.assign(length=["1", "NA", "two", "3", "4", "5"])
    line(
        read,
        "'length', sample 2, is 'NA', which is no number",
        table=mixed,
        written={"sep": ","},
        features=["length", "depth"],
    )


def test_spaces_around_the_names_of_columns_are_no_part_of_them(read):
    spaced = TABLE.rename(columns={"length": " length ", "species": "species "})
    features, target = read(spaced, features=["length", "depth"], **GERMAN)
    assert features.feature.values.tolist() == ["length", "depth"]
    assert target.attrs["column"] == "species"
    line(read, "two columns are named 'depth'", table=spaced.rename(columns={" length ": "depth "}), **GERMAN)


@pytest.mark.parametrize("comment", ["# measured in May", "# lengths, depths"])
def test_a_comment_above_the_names_is_told(tmp_path, comment):
    path = tmp_path / "t.csv"
    path.write_text(f"{comment}\na,b,y\n1,2,x\n3,4,z\n")
    with pytest.raises(MeanfieldError, match="its first line must hold the names of the columns, without #") as raised:
        user_data.read(str(path), None, "y", CLASSIFICATION)
    assert "t.csv begins with '# " in str(raised.value)


def test_several_targets_of_a_regression(read):
    table, chosen = TABLE.assign(u=TABLE.length**2), {"task": REGRESSION, "features": ["length", "island"]}
    _, target = read(table=table, target=["depth", "u"], **chosen, **GERMAN, **SETTINGS)
    assert target.label.values.tolist() == ["depth", "u"]
    np.testing.assert_allclose(target, np.column_stack([TABLE.depth, TABLE.length**2]))
    constant = TABLE.assign(depth=3.0, u=TABLE.length)
    line(read, "'depth' is constant", table=constant, target=["u", "depth"], **chosen, **GERMAN, **SETTINGS)


@given(st.lists(st.integers(0, 3), min_size=8, max_size=40), st.permutations(["b", "a", "d", "c"]))
def test_one_hot_columns_are_the_classes_of_their_column(numbers, names):
    numbers = np.array([0, 1, 2, 3, *numbers])
    hot = encoding.target(pd.DataFrame(np.eye(4)[numbers], columns=names), CLASSIFICATION, "t")
    plain = encoding.target(pd.DataFrame({"y": np.array(names)[numbers]}), CLASSIFICATION, "t")
    assert hot.classes == hot.labels == names
    assert plain.classes == sorted(names)
    again = [plain.classes[number] for number in plain.values.argmax(axis=1)]
    assert [hot.classes[number] for number in hot.values.argmax(axis=1)] == again


def test_one_hot_arrays(tmp_path):
    """X of 300 × 3 and y of 300 × 2, as networks elsewhere are given them."""
    numbers = np.arange(300) % 2
    path = str(tmp_path / "t.npz")
    np.savez(path, X=np.random.default_rng(0).normal(size=(300, 3)), y=np.eye(2)[numbers])
    features, target = user_data.read(path, None, "y", CLASSIFICATION)
    assert features.feature.values.tolist() == ["X[0]", "X[1]", "X[2]"]
    assert target.attrs == {"column": "y", "classes": ["y[0]", "y[1]"]}
    np.testing.assert_array_equal(target, numbers[:, None])
    for wrong, words in {2.0: "'y[1]', sample 1, is 2", 1.0: "have 2 ones in sample 1; exactly one"}.items():
        spoilt = np.eye(2)[numbers]
        spoilt[0, 1] = wrong
        np.savez(path, X=np.zeros((300, 3)), y=spoilt)
        with pytest.raises(MeanfieldError) as raised:
            user_data.read(path, None, "y", CLASSIFICATION)
        assert words in str(raised.value)
    np.savez(path, X=np.zeros((300, 3)), y=np.eye(3)[numbers])
    with pytest.raises(MeanfieldError, match=r"'y\[2\]' is 0 in all samples"):
        user_data.read(path, None, "y", CLASSIFICATION)
    np.savez(path, X=np.zeros((300, 3)), other=np.zeros(7), y=numbers)
    with pytest.raises(MeanfieldError, match="name those that are wanted under features"):
        user_data.read(path, None, "y", CLASSIFICATION)


def test_classes_of_numbers_are_called_without_a_point():
    target = encoding.target(pd.DataFrame({"y": [1.0, 2.0, 4.0] * 3}), CLASSIFICATION, "t")
    assert target.classes == ["1", "2", "4"]
    assert encoding.target(pd.DataFrame({"y": [True, False] * 3}), CLASSIFICATION, "t").classes == ["False", "True"]
