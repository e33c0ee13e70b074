"""Hostile and broken data files: one line that names the file and the place, nothing executed, nothing exhausted."""

import io
import os
import pickle
import resource
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest
import scipy.io
from conftest import ROOT
from meanfield.data import published, tables, user_data
from meanfield.errors import MeanfieldError

FEATURES, TARGET = ["x", "y"], "z"


class Payload:
    """Unpickling it leaves a trace."""

    def __init__(self, trace):
        self.trace = str(trace)

    def __reduce__(self):
        return os.mkdir, (self.trace,)


def refused(path, *words):
    """The one line that reading the file is answered with."""
    with pytest.raises(MeanfieldError) as error:
        user_data.read(str(path), FEATURES, TARGET, "classification")
    line = str(error.value)
    assert "\n" not in line
    for word in (path.name, *words):
        assert word in line
    return line


def arrays(**changes):
    """Columns of a sound file, with changes; None takes one out."""
    sound = {"x": np.arange(10.0), "y": np.arange(10.0) ** 2, "z": np.arange(10) % 2}
    return {name: values for name, values in (sound | changes).items() if values is not None}


WRONG = {
    "a name is missing": (arrays(y=None), "no column 'y'"),
    "lengths differ": (arrays(y=np.arange(9.0)), "rows"),
    "three axes": (arrays(x=np.zeros((10, 2, 2))), "no column of numbers"),
    "a NaN": (arrays(x=np.array([0, 1, np.nan, *range(7)])), "first in sample 3"),
    "an infinity": (arrays(x=np.array([0, np.inf, *range(8)])), "first in sample 2"),
    "complex": (arrays(x=np.arange(10) * 1j), "no column of numbers"),
    "a single class": (arrays(z=np.zeros(10)), "one class only"),
    "a matrix as target": (arrays(z=np.eye(10)[:, :3]), "0 ones in sample 4; exactly one is needed"),
    "no samples": ({name: values[:0] for name, values in arrays().items()}, "at least one"),
}


@pytest.mark.parametrize("ending", ["mat", "npz"])
@pytest.mark.parametrize("case", WRONG)
def test_wrong_arrays(tmp_path, ending, case):
    content, words = WRONG[case]
    path = tmp_path / f"data.{ending}"
    if ending == "mat":
        scipy.io.savemat(path, content)
    else:
        np.savez(path, **content)
    refused(path, words)


def test_mat_with_objects(tmp_path):
    path = tmp_path / "objects.mat"
    scipy.io.savemat(path, arrays(x=np.array([{"a": 1}] * 10, dtype=object)))
    refused(path)


def test_mat_with_a_struct_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "struct.mat"
    scipy.io.savemat(path, arrays(x={"inside": np.zeros(10)}))
    monkeypatch.setattr(scipy.io, "loadmat", None)  # not even tried
    refused(path, "'x' is a struct")


def test_only_the_arrays_that_are_named_are_read(tmp_path, monkeypatch):
    path = tmp_path / "more.mat"
    scipy.io.savemat(path, arrays(other=np.zeros((1000, 1000))))
    monkeypatch.setattr(tables, "MOST_BYTES", 10000)
    features, _ = user_data.read(str(path), FEATURES, TARGET, "classification")
    assert features.shape == (10, 2)
    monkeypatch.setattr(tables, "MOST_BYTES", 50)
    refused(path, "it would unpack to")


def test_mat_of_matlab_7_3(tmp_path):
    path = tmp_path / "new.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in arrays().items():
            file[name] = values
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    refused(path, "MATLAB 7.3")


@pytest.mark.parametrize("kind", ["npy in npz", "pickle for npz", "object array"])
def test_a_pickle_is_never_executed(tmp_path, kind):
    path, trace = tmp_path / "data.npz", tmp_path / "trace"
    if kind == "pickle for npz":
        path.write_bytes(pickle.dumps(Payload(trace)))
    elif kind == "object array":
        np.savez(path, **arrays(x=np.array([Payload(trace)] * 10, dtype=object)))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            for name in arrays():
                archive.writestr(f"{name}.npy", pickle.dumps(Payload(trace)))
    refused(path)
    assert not trace.exists()
    if kind != "pickle for npz":  # the payload is real: who allows pickles, executes it
        with pytest.raises(Exception), np.load(path, allow_pickle=True) as archive:  # noqa: B017, PT011
            archive["x"].sum()
        assert trace.exists() or kind == "npy in npz"


def test_a_published_array_that_is_a_pickle_is_never_executed(tmp_path):
    trace, path = tmp_path / "trace", tmp_path / "cost.npy"
    path.write_bytes(pickle.dumps(Payload(trace)))
    with pytest.raises(MeanfieldError, match="no readable array"):
        published.read_array(path)
    np.save(path, np.array([Payload(trace)], dtype=object), allow_pickle=True)
    with pytest.raises(MeanfieldError, match="no readable array"):
        published.read_array(path)
    assert not trace.exists()


def bomb(path):
    """An archive of a few MB whose array unpacks to 3 GB."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": (400_000_000,)})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w", force_zip64=True) as file:
        file.write(head.getvalue())
        for _ in range(200):
            file.write(bytes(16_000_000))
    for name in ("y", "z"):
        with zipfile.ZipFile(path, "a") as archive, archive.open(f"{name}.npy", "w") as file:
            np.save(file, arrays()[name])


@pytest.mark.long
def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "bomb.npz"
    bomb(path)
    assert path.stat().st_size < 2**23
    code = (
        "import sys; from meanfield import errors; from meanfield.data import user_data\n"
        f"try: user_data.read({str(path)!r}, {FEATURES!r}, {TARGET!r}, 'classification')\n"
        "except errors.MeanfieldError as error: print(error); sys.exit(7)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT / "scripts")}, text=True, capture_output=True
    )
    assert result.returncode == 7, result.stderr
    assert "bomb.npz" in result.stdout
    assert "unpack" in result.stdout
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 2**20  # KiB: it never held the 3 GB


CSV = {
    "formula": (
        "x,y,z\n" + "\n".join(f"{i},{'=1+1' if i == 3 else i},{i % 2}" for i in range(10)),
        "'=1+1', which is no number",
    ),
    "missing value": ("x,y,z\n" + "\n".join(f"{i},{'' if i == 4 else i},{i % 2}" for i in range(10)), "first in sample 5"),
    "mixed types": (
        "x,y,z\n" + "\n".join(f"{i},{'five' if i == 5 else i},{i % 2}" for i in range(10)),
        "'five', which is no number",
    ),
    "a longer line": ("x,y,z\n1,2,0\n3,4,1,5\n", "cannot be read as csv"),
    "no lines": ("", "cannot be read as csv"),
    "binary": (b"\x00\xff\xfe\x80" * 50, "bad.csv"),
    "a quote that never ends": ('x,y,z\n1,"2,0\n3,4,1\n', "bad.csv"),
    "names twice": ("x,x,z\n1,2,0\n", "two columns are named 'x'"),
}


@pytest.mark.parametrize("case", CSV)
def test_broken_csv(tmp_path, case):
    content, words = CSV[case]
    path = tmp_path / "bad.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    refused(path, words)


def test_csv_with_byte_order_mark_is_read(tmp_path):
    path = tmp_path / "marked.csv"
    path.write_bytes(b"\xef\xbb\xbf" + ("x,y,z\n" + "\n".join(f"{i},{i * i},{i % 2}" for i in range(10))).encode())
    features, target = user_data.read(str(path), FEATURES, TARGET, "classification")
    np.testing.assert_array_equal(features[:, 1], np.arange(10.0) ** 2)
    assert target.sum() == 5
