"""Published files: found in the registry, read without unpickling."""

import io

import examples
import numpy as np
import pytest
from meanfield.data import published as publication
from meanfield.errors import MeanfieldError


def test_a_registry_that_lacks_an_array_is_an_error():
    checksums = publication.registry(examples.ROOT / "config/published/registry.csv")
    kept = {path: checksum for path, checksum in checksums.items() if "cost_relu10" not in path}
    with pytest.raises(MeanfieldError, match="lacks cost of linear 10 relu"):
        publication.array_files(("linear", "10", "relu"), kept)


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


def test_the_reason_why_a_file_is_missing_names_no_folder_of_the_machine(tmp_path, monkeypatch, capsys):
    """It is in comparison.csv, verdicts and published arrays: the same on every machine."""
    monkeypatch.setenv(publication.MIRROR_VARIABLE, str(tmp_path))
    with pytest.raises(publication.Unavailable) as caught:
        publication.published_file("TF/x.npy", {}, None, tmp_path, pinned=False)
    assert str(caught.value) == "TF/x.npy could not be obtained from the mirror (FileNotFoundError)"
    assert str(tmp_path) in capsys.readouterr().out
