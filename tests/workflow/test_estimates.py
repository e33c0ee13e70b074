"""Spectra without the matrix through the workflow: video, explorer, figures, tables, claims, all with their errors."""

import imageio_ffmpeg
import numpy as np
import pandas as pd
import pictures
import pytest
import yaml
from browsing import DESKTOP, errors, resize, wait
from conftest import Workflow
from meanfield.curvature import quadrature
from meanfield.data import storage
from meanfield.figures import binning, video
from PIL import Image

pytestmark = pytest.mark.long

ACTIVATIONS = ("esp", "relu")
ESTIMATED = {
    "seeds": 3,
    "activations": list(ACTIVATIONS),
    "experiments": [{"dataset": "linear", "architecture": "10", "updates": 60, "beta_stddev": 1e-4, "beta_op_seed": 21}],
    "spectrum": {"method": "lanczos", "probes": 3, "steps": 12, "resolution": 1e-3},
    "figures": {"eigenvalues_at": [0, "last"]},
}
CURVES = ("overview", "fig2_activations", "fig3a_cost", "fig3b_alpha", "fig4a_zero_residuals", "fig4b_gamma", "accuracy")
NETWORKS = ("eigenvalues", "parameters", "boundaries")


@pytest.fixture(scope="module")
def made(tmp_path_factory, mirror) -> Workflow:
    """All results of a small configuration by lanczos, and its claims."""
    workflow = Workflow(tmp_path_factory.mktemp("estimates"), mirror)
    (workflow.folder / "mine.yaml").write_text(yaml.safe_dump(ESTIMATED))
    result = workflow.snakemake("all", "claims", "--configfile", "mine.yaml")
    assert result.returncode == 0, result.stdout
    return workflow


def table(made: Workflow, name: str) -> pd.DataFrame:
    return storage.read_table(made.folder / f"results/{name}.csv")


def spectrum(made: Workflow, activation: str):
    return storage.read(made.folder / f"results/runs/linear/10/{activation}/spectrum.nc", first_seed=True).isel(seed=0)


def test_every_picture_is_there_but_those_that_need_eigenvalues(made):
    found = {path.stem for path in (made.folder / "results/figures").glob("*.png")}
    assert found == {*CURVES, *(f"{name}_linear_10" for name in NETWORKS)}
    assert not any(pictures.blank(path) for path in (made.folder / "results").rglob("*.png"))
    assert not (made.folder / "results/verification").exists()


def test_the_video_shows_what_the_files_say(made):
    runs = {name: made.folder / f"results/runs/linear/10/{name}" for name in ACTIVATIONS}
    spectra = {name: storage.read(run / "spectrum.nc", True, binning.DRAWN) for name, run in runs.items()}
    scene = video.Scene("linear 10", spectra, {name: storage.read_table(run / "indices.csv") for name, run in runs.items()})
    videos = made.folder / "results/videos"
    reader = imageio_ffmpeg.read_frames(str(videos / "linear_10.mp4"))
    width, height = next(reader)["size"]
    frames = [np.frombuffer(frame, np.uint8).reshape(height, width, 3) for frame in reader]
    np.testing.assert_array_equal(np.asarray(Image.open(videos / "linear_10.png")), scene.draw(0)[..., :3])
    for record in range(len(scene.updates)):
        drawn = scene.draw(record)[..., :3].astype(int)
        assert np.abs(frames[record] - drawn).mean() < 2  # the codec's
        for row in scene.rows.values():
            for bars in (row.linear, row.symlog):
                assert (bars.band.get_data().values > bars.bars.get_data().values).any()
    assert "3 random probes of 12 Lanczos steps" in scene.said
    with Image.open(videos / "linear_10.gif") as preview:
        assert preview.n_frames == len(scene.updates)


def test_tables_have_errors_that_are_those_of_the_spectra(made):
    indices, summary = table(made, "tables/indices"), table(made, "tables/summary")
    for activation in ACTIVATIONS:
        run = indices[(indices.activation == activation) & (indices.seed == 1)]
        estimates = spectrum(made, activation)
        np.testing.assert_allclose(run.alpha_error, estimates.negative_error / estimates.attrs["parameters"])
        np.testing.assert_allclose(run.gamma_error, estimates.flat_error / estimates.attrs["parameters"])
        assert run.alpha_published.isna().all()
        last = summary[(summary.activation == activation) & (summary.seed == 1)].iloc[0]
        assert (last.alpha_error_last, last.gamma_error_last) == (run.alpha_error.iloc[-1], run.gamma_error.iloc[-1])
    assert list(summary)[-1] == "source"


def test_published_eigenvalues_lie_within_the_bands(made, published):
    for activation in ACTIVATIONS:
        theirs = storage.read(made.folder / f"results/published/linear/10/{activation}.nc").eigenvalues.values
        ours = spectrum(made, activation)
        for record in range(ours.sizes["update"]):
            now = ours.isel(update=record)
            x, size = np.quantile(theirs[record], [0.2, 0.8]), theirs.shape[1]
            density = now.nodes.values, now.weights.values, int(now.zero_rows), size
            _, low, high = quadrature.cumulative(*density, x)
            true = (theirs[record][:, None] <= x).mean(axis=0)
            assert ((low - 1 / size <= true) & (true <= high + 1 / size)).all()


def test_claims_are_judged_as_far_as_estimates_allow(made):
    members = table(made, "ensemble/members")
    assert (members.alpha_mean_error > 0).all()
    assert members.participation.isna().all()
    verdicts = table(made, "claims/claims").set_index("claim")
    assert verdicts.verdict_counts["relu-localised"] == "not judged, no eigenvectors"
    assert verdicts.verdict_counts["esp-spectrum-wide"] == "not judged, no eigenvalues"
    assert (
        verdicts.verdict_counts["relu-alpha"] == "0 of 1 hold, 1 open"
    )  # three members, with errors as large as the effect


def test_the_explorer_says_so_and_has_the_error_of_each_number(made, browser):
    resize(browser, DESKTOP)
    browser.get((made.folder / "results/explorer.html").as_uri())
    wait(browser, lambda: browser.execute_script("return window.Bokeh?.documents[0]?.is_idle"))
    told = "return Bokeh.documents[0].get_model_by_name(arguments[0])"
    wait(browser, lambda: browser.execute_script(f"{told}.text", "numbers_esp"))
    assert "3 random probes of 12 Lanczos steps" in browser.execute_script(f"{told}.text", "said")
    indices = table(made, "tables/indices")
    for activation in ACTIVATIONS:
        row = indices[(indices.activation == activation) & (indices.seed == 1)].iloc[0]
        numbers = browser.execute_script(f"{told}.text", f"numbers_{activation}")
        for share in ("alpha", "gamma"):
            assert f"{row[share]:.3f}<br>± {row[f'{share}_error']:.3f}" in numbers
        data = "Object.fromEntries(['top', 'highest', 'line'].map((name) => [name, Array.from(bars.data[name])]))"
        bars = f"{told}.renderers.find((r) => r.name === 'bars_{activation}').data_source"
        found = browser.execute_script(
            f"const bars = {bars.removeprefix('return ')}; return {data}", f"spectrum_{activation}"
        )
        least, most, line = (np.array(found[name], float) for name in ("top", "highest", "line"))
        assert (least <= most).all()
        assert (least < most).any()
        drawn = np.isfinite(line)
        assert ((least <= line + 1e-6) & (line <= most + 1e-6))[drawn].all()
    assert errors(browser) == []
