"""Files of a run in pieces are joined to those of the whole run, one piece in memory at a time."""

import numpy as np
import pytest
import xarray as xr
from meanfield.data import pieces, storage
from meanfield.errors import MeanfieldError


def whole() -> xr.Dataset:
    rng = np.random.default_rng(0)
    variables = {
        "cost": (("seed", "update"), rng.random((5, 3))),
        "parameters": (("seed", "update", "parameter"), rng.random((5, 3, 4))),
        "diverged": ("seed", np.array([-1, -1, 11, -1, -1])),
    }
    coords = {"seed": range(1, 6), "update": [0, 11, 21], "parameter": ["W1[0,0]", "W1[0,1]", "b1[0]", "beta1[0]"]}
    return xr.Dataset(variables, coords, {"title": "a run", "l2": 0.5})


@pytest.mark.parametrize("ends", [[5], [2, 4, 5], [1, 2, 3, 4, 5]])
def test_arrays_of_pieces_are_those_of_the_whole(tmp_path, ends):
    for start, end in zip([0, *ends], ends, strict=False):
        storage.write(whole().isel(seed=slice(start, end)), tmp_path / f"{end}.nc")
    paths = [tmp_path / f"{end}.nc" for end in ends]
    storage.write(whole(), tmp_path / "whole.nc")
    for name in ("a.nc", "b.nc"):
        pieces.join_arrays(paths, tmp_path / name)
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()
    xr.testing.assert_identical(storage.read(tmp_path / "a.nc"), storage.read(tmp_path / "whole.nc"))


@pytest.mark.parametrize("diverged", [0, 1])
def test_counts_of_a_piece_with_a_diverged_member_are_not_whole_in_any(tmp_path, diverged):
    counts = [np.array([[3, 4]]), np.array([[5, 6]])]
    counts[diverged] = np.array([[7, np.nan]])
    for number, values in enumerate(counts):
        piece = xr.Dataset({"flat": (("seed", "update"), values)}, {"seed": [number + 1], "update": [0, 11]})
        storage.write(piece, tmp_path / f"{number}.nc")
    pieces.join_arrays([tmp_path / "0.nc", tmp_path / "1.nc"], tmp_path / "joined.nc")
    np.testing.assert_array_equal(storage.read(tmp_path / "joined.nc").flat, np.concatenate(counts))


def test_tables_of_pieces_follow_each_other(tmp_path):
    for number, lines in enumerate(("1,0.5\n2,0.25\n", "3,1e-300\n")):
        (tmp_path / f"{number}.csv").write_text("seed,cost\n" + lines)
    pieces.join_tables([tmp_path / "0.csv", tmp_path / "1.csv"], tmp_path / "joined.csv")
    assert (tmp_path / "joined.csv").read_text() == "seed,cost\n1,0.5\n2,0.25\n3,1e-300\n"


def test_tables_of_other_columns_are_refused(tmp_path):
    for name in ("cost", "alpha"):
        (tmp_path / f"{name}.csv").write_text(f"seed,{name}\n1,0.5\n")
    with pytest.raises(MeanfieldError, match=r"alpha\.csv has other columns than .*cost\.csv; delete it"):
        pieces.join_tables([tmp_path / "cost.csv", tmp_path / "alpha.csv"], tmp_path / "joined.csv")
