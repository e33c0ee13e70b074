from itertools import combinations

import imageio_ffmpeg
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from examples import synthetic_dataset, synthetic_run
from matplotlib.text import Text
from meanfield.curvature import quadrature
from meanfield.data.storage import STAND_IN
from meanfield.figures import binning, video
from meanfield.model.registry import ACTIVATIONS, from_formula
from PIL import Image

NAMES = list(ACTIVATIONS)
UPDATES = [0, 11, 21, 71, 121]
SIZE = 30


def example(activations: list[str], source: str = "published") -> tuple[dict, dict]:
    """Random spectra of two seeds with outliers, tiny eigenvalues and exact zeros, and their indices."""
    rng = np.random.default_rng(len(activations))
    spectra, indices = {}, {}
    shape = (2, len(UPDATES))
    for name in activations:
        values = rng.choice([-1, 1, 1, 1], (*shape, SIZE)) * 10 ** rng.uniform(-17, 2, (*shape, SIZE))
        zeros = rng.integers(0, 10, shape) * (name != "sigmoid")
        values[np.arange(SIZE) < zeros[..., None]] = 0
        variables = {
            "eigenvalues": (("seed", "update", "mode"), np.sort(values, axis=-1)),
            "tolerance": (("seed", "update"), rng.uniform(1e-14, 1e-13, shape)),
            "zero_rows": (("seed", "update"), zeros),
        }
        spectra[name] = xr.Dataset(variables, coords={"seed": [1, 2], "update": UPDATES}, attrs={"source": source})
        table = pd.DataFrame({"seed": np.repeat([1, 2], len(UPDATES)), "update": UPDATES * 2})
        numbers = {column: rng.random(len(table)) for column in ("alpha", "gamma", "cost", "gradient_norm")}
        indices[name] = table.assign(**numbers)
    return spectra, indices


def estimates(activations: list[str]) -> tuple[dict, dict]:
    """Spectra of random networks, estimated, and their indices."""
    form = {"architecture": "8-3", "records": 3, "probes": 2, "steps": 9, "resolution": 1e-4}
    runs = {name: synthetic_run(name, synthetic_dataset(source=STAND_IN), **form) for name in activations}
    return {name: run[1] for name, run in runs.items()}, {name: run[2] for name, run in runs.items()}


def test_estimates_are_drawn_with_their_bounds_and_named():
    spectra, indices = estimates(["esp", "relu"])
    scene = video.Scene("example 10", spectra, indices)
    [words] = [text.get_text() for text in scene.figure.texts if "probes" in text.get_text()]
    assert "2 random probes of 9 Lanczos steps" in words
    assert "0.95" in words
    for record in (0, 2, 1):
        scene.draw(record)
        for name, row in scene.rows.items():
            spectrum = spectra[name].isel(seed=0, update=record)
            zeros, size = int(spectrum.zero_rows), spectrum.attrs["parameters"]
            density = spectrum.nodes.values, spectrum.weights.values, zeros, size
            for bars, edges in ((row.linear, row.edges["linear"]), (row.symlog, row.edges["symlog"])):
                ends = edges[edges != 0] if bars is row.symlog else edges
                count, least, most = np.array(quadrature.binned(*density, ends))
                if bars is row.linear:
                    count, least, most = (
                        heights + zeros * ((ends[:-1] < 0) & (ends[1:] >= 0)) for heights in (count, least, most)
                    )
                np.testing.assert_array_equal(drawn(bars.bars), np.where(least > video.EMPTY, least, 0))
                np.testing.assert_array_equal(drawn(bars.band), np.where(most > video.EMPTY, most, 0))
                np.testing.assert_array_equal(bars.band.get_data().baseline, np.maximum(least, video.EMPTY))
                np.testing.assert_array_equal(
                    np.nan_to_num(bars.line.get_data().values), np.where(count > video.EMPTY, count, 0)
                )
            assert drawn(row.zero_bar).sum() == zeros
            line = indices[name].iloc[record]
            (alpha, alpha_error), (gamma, gamma_error) = (
                map(float, text.split(" ± ")) for text in row.numbers.get_text().split("\n")[1:3]
            )
            np.testing.assert_allclose([alpha, alpha_error], line[["alpha", "alpha_error"]].astype(float), atol=5e-4)
            np.testing.assert_allclose([gamma, gamma_error], line[["gamma", "gamma_error"]].astype(float), atol=5e-4)
            assert "±" in row.shown.get_text()


def test_only_estimates_are_called_so():
    scene = video.Scene("example 10", *example(["esp"]))
    assert not [text for text in scene.figure.findobj(Text) if "probes" in text.get_text() or "estimate" in text.get_text()]
    assert scene.rows["esp"].linear.band is None


def render(folder, activations=("esp", "relu"), **settings):
    """Video, poster and preview of the example; their paths."""
    paths = [folder / f"a.{ending}" for ending in ("mp4", "png", "gif")]
    folder.mkdir(exist_ok=True)
    video.render("example 10", *example(list(activations)), *paths, **({"frames_per_second": 4, "hold": 1.5} | settings))
    return paths


def drawn(bars) -> np.ndarray:
    """Heights of bars, where an empty one has the height of the baseline."""
    heights = bars.get_data().values
    return np.where(heights > video.EMPTY, heights, 0)


def test_the_longest_label_stays_in_its_column(monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "own", from_formula("own", "h*h", label="leaky parametric gate(1)"))
    scene = video.Scene("example 10", *example(["own"]))
    labels = [text for text in scene.figure.findobj(Text) if text.get_text() == "leaky parametric gate(1)"]
    assert all(text.get_window_extent().x1 <= video.WIDTH for text in labels)
    [label] = [text for text in labels if text.get_weight() == "bold"]
    assert label.get_window_extent().x1 <= video.COLUMNS["numbers"][1]


@pytest.mark.parametrize("count", [1, 3, 7])
def test_numbers_drawn_are_those_of_the_files(count):
    spectra, indices = example(NAMES[:count])
    scene = video.Scene("example 10", spectra, indices)
    assert list(scene.rows) == NAMES[:count]
    for record in (0, 3, 4, 1):
        scene.draw(record)
        assert scene.clock.get_text().split() == ["update", str(UPDATES[record])]
        assert list(scene.cursor.get_xdata()) == [UPDATES[record]] * 2
        for name, row in scene.rows.items():
            values = spectra[name].eigenvalues.values[0, record]
            zeros = spectra[name].zero_rows.values[0, record]
            low, high = row.edges["linear"][[0, -1]]
            inside = ((values >= low) & (values <= high)).sum()
            assert drawn(row.linear.bars).sum() == inside
            assert row.shown.get_text() == f"shown {inside / SIZE:.1%}"
            assert drawn(row.zero_bar).sum() == zeros
            assert drawn(row.symlog.bars).sum() == SIZE - zeros
            expected = indices[name].iloc[record][["alpha", "gamma", "cost", "gradient_norm"]]
            numbers = [float(number) for number in row.numbers.get_text().split()]
            np.testing.assert_allclose(numbers[:2], expected[:2], atol=5e-4)
            np.testing.assert_allclose(numbers[2:], expected[2:], rtol=5e-3)


def test_axes_are_those_of_the_whole_video_and_tau_its_largest():
    spectra, indices = example(["esp", "relu", "tanh"])
    scene = video.Scene("example 10", spectra, indices)
    tau = max(spectrum.tolerance.values[0].max() for spectrum in spectra.values())
    limits = {(*row.linear.bars.axes.get_xlim(), *row.symlog.bars.axes.get_xlim()) for row in scene.rows.values()}
    assert len(limits) == 1
    for row in scene.rows.values():
        assert tau in row.edges["symlog"]
        assert row.symlog.bars.axes.get_xlim() == tuple(binning.symlog(row.edges["symlog"][[0, -1]], tau))
    curves = [line for line in scene.cursor.axes.lines if line is not scene.cursor]
    for curve, table in zip(curves, indices.values(), strict=True):
        np.testing.assert_array_equal(curve.get_ydata(), table.cost[table.seed == 1])


def texts(scene):
    """Texts drawn, but for blocks of numbers, which share a column; tick labels only within their axis."""
    yield from (text for text in (*scene.figure.texts, scene.mark) if text.get_text())
    for axes in scene.figure.axes:
        yield from (text for text in (axes.xaxis.label, axes._left_title) if text.get_text())
        if not axes.axison:
            continue
        yield from (text for text in axes.texts if text.get_text())
        for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            for tick in axis.get_major_ticks():
                if tick.label1.get_visible() and low <= tick.get_loc() <= high and tick.label1.get_text():
                    yield tick.label1


@pytest.mark.filterwarnings("error")  # such as that of a letter that the font lacks
@pytest.mark.parametrize(
    ("count", "estimated"), [(1, False), (2, False), (3, False), (5, False), (7, False), (1, True), (7, True)]
)
def test_nothing_is_clipped_or_overlaps(count, estimated):
    made = estimates(NAMES[:count]) if estimated else example(NAMES[:count], STAND_IN)
    scene = video.Scene("nonlinear-corrected 8-2", *made)
    scene.draw(2)
    boxes = {text: text.get_window_extent() for text in texts(scene)}
    assert len(boxes) > 15
    whole = scene.figure.bbox
    boxes |= {row.numbers: row.numbers.get_window_extent() for row in scene.rows.values()}
    for text, box in boxes.items():
        assert whole.x0 <= box.x0 < box.x1 <= whole.x1, text
        assert whole.y0 <= box.y0 < box.y1 <= whole.y1, text
        assert text.get_size() * video.DPI / 72 * 960 / video.WIDTH >= 11, text
    for (text, box), (other, neighbour) in combinations(boxes.items(), 2):
        assert not box.overlaps(neighbour), (text, other)
    for name, row in scene.rows.items():
        assert row.numbers.get_window_extent().y0 >= row.numbers.axes.bbox.y0, "reaches into the next row"
        top = row.linear.bars.axes.transData.transform((0, binning.size(scene.spectra[name])))[1]
        assert row.shown.get_window_extent().y0 >= top, "bars may reach the text"


def test_video_is_one_that_browsers_play_and_the_last_frame_stays(tmp_path):
    path, poster, _ = render(tmp_path)
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    reader = imageio_ffmpeg.read_frames(str(path))
    header = next(reader)
    assert header["codec"] == "h264"
    assert header["pix_fmt"].startswith("yuv420p")
    assert header["size"] == Image.open(poster).size
    assert all(side % 2 == 0 for side in header["size"])
    scene = video.Scene("example 10", *example(["esp", "relu"]))
    np.testing.assert_array_equal(np.asarray(Image.open(poster)), scene.draw(0)[..., :3])
    frames = list(reader)
    assert len(frames) == len(UPDATES) + 6
    assert np.abs(np.frombuffer(frames[-1], np.uint8).astype(int) - np.frombuffer(frames[-6], np.uint8)).mean() < 0.5


def test_preview_is_small_loops_and_holds_the_last_frame(tmp_path, monkeypatch):
    preview = render(tmp_path)[2]
    with Image.open(preview) as image:
        assert image.size[0] == 480
        assert image.n_frames == len(UPDATES)
        assert image.info["loop"] == 0
        durations = []
        for frame in range(image.n_frames):
            image.seek(frame)
            durations.append(image.info["duration"])
    assert durations == [250] * 4 + [1750]
    monkeypatch.setattr(video, "PREVIEW_FRAMES", 3)
    with Image.open(render(tmp_path)[2]) as image:
        assert image.n_frames == 3


def test_same_spectra_give_the_same_bytes(tmp_path):
    for path, again in zip(render(tmp_path / "a"), render(tmp_path / "b"), strict=True):
        assert path.read_bytes() == again.read_bytes()


@pytest.mark.parametrize("count", [1, 7])
def test_any_number_of_activations(tmp_path, count):
    for path in render(tmp_path, NAMES[:count], hold=0):
        assert path.stat().st_size > 1000


@pytest.mark.parametrize(("source", "marked"), [("published", False), ("mirror", False), (STAND_IN, True)])
def test_only_stand_in_data_are_marked(source, marked):
    scene = video.Scene("example 10", *example(["esp"], source))
    assert ("STAND-IN" in scene.mark.get_text()) == marked
    red = (scene.draw(0)[:60, :, :3] == [0xB0, 0, 0]).all(axis=-1).any()
    assert red == marked


def test_a_video_that_was_cut_off_is_not_taken_for_whole(tmp_path):
    """The encoder's process fails without a word, on a full disk say."""
    boxes = [b"ftyp", b"moov", b"mdat"]
    whole = b"".join((16).to_bytes(4) + name + bytes(8) for name in boxes)
    path = tmp_path / "a.mp4"
    for content, expected in ((whole, True), (whole[:-3], False), (whole[:-16], False), (b"", False), (whole[:16], False)):
        path.write_bytes(content)
        assert video._finished(path) is expected
