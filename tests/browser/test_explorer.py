"""The explorer: its numbers, and what a reader can do with it in a browser, on small random runs."""

from itertools import pairwise

import numpy as np
import pytest
import xarray as xr
from browsing import DESKTOP, PHONE, errors, overflow, press, resize, wait
from examples import named_dataset, synthetic_dataset, synthetic_run
from meanfield.data import storage
from meanfield.figures import decision, explorer, style
from meanfield.model import registry
from meanfield.model.losses import REGRESSION
from meanfield.model.network import Network
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

ACTIVATIONS = ["esp", "relu"]
SIZES = {"one 3": (2, 1, 12, "mirror"), "two 4-2": (2, 1, 3, storage.STAND_IN), "three 3": (5, 3, 4, "packaged")}


def made(name: str, activations: list[str] = ACTIVATIONS) -> tuple[xr.Dataset, dict[str, explorer.Run]]:
    """A dataset and a run of each activation with random parameters, of `SIZES`."""
    features, labels, records, source = SIZES[name]
    dataset = synthetic_dataset(features, labels, source)
    architecture = name.split()[1]
    return dataset, {
        activation: explorer.Run(*synthetic_run(activation, dataset, architecture, records=records))
        for activation in activations
    }


@pytest.fixture(scope="module")
def inputs() -> dict:
    return {name: made(name) for name in SIZES}


@pytest.fixture(scope="module")
def tasks(inputs) -> dict:
    return {name: explorer.task(dataset, name.split()[1], runs) for name, (dataset, runs) in inputs.items()}


@pytest.fixture(scope="module")
def page(tasks, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("explorer") / "explorer.html"
    path.write_text(explorer.page(tasks, ACTIVATIONS))
    return path.as_uri()


@pytest.mark.parametrize("name", SIZES)
def test_bars_count_every_eigenvalue_on_its_side_of_zero_and_exact_zeros_apart(name, inputs, tasks):
    task, (_, runs) = tasks[name], inputs[name]
    bins = task["axes"]["symlog"]["bins"]
    low, high = np.array(bins["low"]), np.array(bins["high"])
    for activation, run in runs.items():
        values, zeros = run.spectrum.eigenvalues.values[0], run.spectrum.zero_rows.values[0]
        bars = task["runs"][activation]["bars"]["symlog"]
        np.testing.assert_array_equal(bars.sum(axis=1), run.spectrum.sizes["mode"])
        np.testing.assert_array_equal(bars[:, low < 0].sum(axis=1), (values < 0).sum(axis=1))
        np.testing.assert_array_equal(bars[:, (low == 0) & (high == 0)].sum(axis=1), zeros)
        ends = task["axes"]["linear"]["range"]
        within = (values >= ends[0]) & (values <= ends[1])
        np.testing.assert_array_equal(task["runs"][activation]["bars"]["linear"].sum(axis=1), within.sum(axis=1))


def test_estimates_have_bounds_and_errors_and_exact_counts_stand_beside_them():
    dataset = synthetic_dataset()
    trajectory, spectrum, table = synthetic_run("relu", dataset, "8-3", probes=2, steps=9)
    table = table.assign(alpha_exact=[0.25, *[np.nan] * 4], gamma_exact=np.nan)
    shown = explorer.task(dataset, "8-3", {"relu": explorer.Run(trajectory, spectrum, table)})
    assert "2 random probes of 9 Lanczos steps" in shown["said"]
    run = shown["runs"]["relu"]
    for axis, described in shown["axes"].items():
        low, high = np.array(described["bins"]["low"]), np.array(described["bins"]["high"])
        count, bounds = run["bars"][axis], run["bounds"][axis]
        assert count.shape == bounds["least"].shape == bounds["most"].shape == (5, len(low))
        assert ((bounds["least"] <= count) & (count <= bounds["most"])).all()
        if axis == "symlog":
            exact = (low == 0) & (high == 0)
            np.testing.assert_array_equal(count[:, exact][:, 0], spectrum.zero_rows.values[0])
            tau = float(spectrum.tolerance.max())
            assert (-tau, tau) in set(zip(low, high, strict=True))
            np.testing.assert_allclose(count.sum(axis=1), spectrum.attrs["parameters"], atol=1)
    numbers = run["numbers"]
    np.testing.assert_array_equal(numbers["alpha_error"], table.alpha_error)
    np.testing.assert_allclose(numbers["gamma_high"], (table.gamma + table.gamma_error).clip(upper=1))
    np.testing.assert_array_equal(numbers["alpha_exact"], table.alpha_exact)


def test_shades_change_at_one_half():
    half = np.array([0, np.nextafter(0.5, 0), 0.5, np.nextafter(0.5, 1), 1])
    assert (explorer.shades(half[:, None]) >= 128).tolist() == (half > 0.5).tolist()
    assert explorer.shades(np.array([[0.1, 0.9, 0.2]])) == 1


def test_decisions_are_those_of_the_network_on_the_plane(inputs, tasks):
    dataset, runs = inputs["three 3"]
    theta = runs["esp"].trajectory.parameters.values[0, -1]
    plane = decision.plane(dataset, explorer.GRID)
    expected = decision.classes(decision.predictions(theta, Network.of("3", "esp", 5, 3), plane.features(), dataset))
    np.testing.assert_array_equal(tasks["three 3"]["runs"]["esp"]["decisions"][-1].ravel(), expected)


def test_a_regression_runs_from_the_smallest_to_the_largest_target():
    dataset, runs = made("one 3")
    dataset = dataset.assign_attrs(task=REGRESSION)
    shown = explorer.task(dataset, "3", runs)
    theta = runs["esp"].trajectory.parameters.values[0, -1]
    z = decision.predictions(theta, Network.of("3", "esp", 2, 1), decision.plane(dataset, explorer.GRID).features(), dataset)
    image = shown["runs"]["esp"]["decisions"][-1].ravel()
    assert (image[z[:, 0] >= dataset.target.values.max()] == 255).all()
    assert (image[z[:, 0] <= dataset.target.values.min()] == 0).all()
    assert set(shown["plane"]["samples"]["colour"]) == {explorer.BINARY[0], explorer.BINARY[-1]}


def named(dataset: xr.Dataset) -> dict:
    """What the page shows of random runs on a dataset."""
    runs = {name: explorer.Run(*synthetic_run(name, dataset)) for name in ACTIVATIONS}
    return explorer.task(dataset, "3", runs)


def test_samples_and_classes_are_called_what_the_file_calls_them():
    dataset = named_dataset(["a", "b", "c"], ["Adelie", "Gentoo", "Chinstrap"])
    plane = named(dataset)["plane"]
    assert plane["means"]["name"] == ["Adelie", "Gentoo", "Chinstrap"]
    train = dataset.isel(sample=(dataset.split == "train").values)
    kinds = np.array(["Adelie", "Gentoo", "Chinstrap"])[train.target.values.argmax(axis=1)]
    assert plane["samples"]["said"] == [f"row {row}: {kind}" for row, kind in zip(train.row.values, kinds, strict=True)]
    two = named(named_dataset(["a", "b"], ["<b>no</b>", "yes"]))["plane"]
    assert "&lt;b&gt;no" in two["key"]
    assert "yes" in two["key"]
    assert two["names"] == ["a", "b"]


def test_the_first_of_several_targets_decides_the_colours():
    dataset = named_dataset(["a", "b"], scaled=["target"])
    shown = named(dataset)
    assert shown["plane"]["key"] == "Colours: u"
    assert shown["plane"]["palette"] == explorer.BINARY
    train, target = dataset.isel(sample=(dataset.split == "train").values), dataset.target.values[:, 0]
    known = train.target.values[0] * dataset.target_deviation.values + dataset.target_mean.values
    assert shown["plane"]["samples"]["said"][0] == f"row {int(train.row[0])}: u {known[0]:.4g}, v {known[1]:.4g}"
    share = np.clip((train.target.values[:, 0] - target.min()) / np.ptp(target), 0, 1) * 7
    assert shown["plane"]["samples"]["colour"] == [explorer.BINARY[number] for number in share.round().astype(int)]
    assert shown["plane"]["means"]["name"] == []


def test_same_inputs_same_bytes(inputs, tasks):
    again = {name: explorer.task(dataset, name.split()[1], runs) for name, (dataset, runs) in inputs.items()}
    assert explorer.page(again, ACTIVATIONS) == explorer.page(tasks, ACTIVATIONS)


def opened(browser, page: str, size: tuple[int, int]):
    """The page in a window of that size, ready."""
    resize(browser, size)
    browser.get(page)
    wait(browser, lambda: browser.execute_script("return window.Bokeh?.documents[0]?.is_idle") and bars(browser))
    return browser


def model(browser, path: str):
    """What a path of attributes from the document's models by name gives: `model(browser, "slider.value")`."""
    name, _, attributes = path.partition(".")
    return browser.execute_script(f"return Bokeh.documents[0].get_model_by_name('{name}').{attributes}")


def bars(browser, activation: str = "esp") -> list[int]:
    return model(browser, f"bars_{activation}.data_source.data.count")


def shown_at(browser, tasks, name: str, record: int, axis: str = "symlog") -> bool:
    """Whether bars, decisions, numbers and cursors are those of that record, in every picture."""
    task = tasks[name]
    update = task["updates"][record]
    for activation, run in task["runs"].items():
        image = model(browser, f"image_{activation}.data_source.data.image[0]")
        pixels = [image[str(number)] for number in range(len(image))] if isinstance(image, dict) else image
        if (
            bars(browser, activation) != run["bars"][axis][record].tolist()
            or pixels != run["decisions"][record].ravel().tolist()
            or f"{run['numbers']['alpha'][record]:.3f}" not in model(browser, f"numbers_{activation}.text")
        ):
            return False
    return all(
        model(browser, f"curve_{curve}.center.find((part) => part.name === 'cursor').location") == update
        for curve in style.LABELS
    )


def focused(browser) -> str:
    """Name of the control that has the focus, found through Bokeh's shadow roots: its label, or its role."""
    return browser.execute_script("""
        let element = document.activeElement
        while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement
        return element.getAttribute("name") || element.getAttribute("role") || element.textContent""")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_slider_moves_every_picture(browser, page, tasks, size):
    opened(browser, page, size)
    wait(browser, lambda: shown_at(browser, tasks, "one 3", 0))
    reached = []
    while "slider" not in reached and len(reached) < 20:
        press(browser, Keys.TAB)
        reached.append(focused(browser))
    assert reached == ["task", "axis", "ESP", "ReLU", "▶ Play", "slider"]
    press(browser, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    wait(browser, lambda: shown_at(browser, tasks, "one 3", 2))
    assert "21" in browser.execute_script(
        "return Bokeh.index.get_by_id(Bokeh.documents[0].get_model_by_name('slider').id).el.shadowRoot.textContent"
    )
    assert overflow(browser) == 0
    assert errors(browser) == []


def test_keys_without_a_control(browser, page, tasks):
    opened(browser, page, DESKTOP)
    browser.find_element(By.TAG_NAME, "h1").click()
    for keys, record in ((Keys.ARROW_RIGHT, 1), (Keys.END, 11), (Keys.ARROW_LEFT, 10), (Keys.HOME, 0)):
        press(browser, keys)
        wait(browser, lambda record=record: shown_at(browser, tasks, "one 3", record))
    assert errors(browser) == []


RECORD = """
window.seen = []
const slider = Bokeh.documents[0].get_model_by_name("slider")
slider.properties.value.change.connect(() => seen.push(slider.value))
"""
"""Notes every place of the slider, since a look from outside may miss one."""


@pytest.mark.long
def test_play_advances_pauses_stops_at_the_end_and_begins_again(browser, page):
    opened(browser, page, DESKTOP)
    browser.execute_script(RECORD)
    browser.find_element(By.TAG_NAME, "h1").click()
    press(browser, Keys.SPACE)
    wait(browser, lambda: 2 in browser.execute_script("return seen"))
    press(browser, Keys.SPACE)
    assert model(browser, "play.active") is False
    paused = model(browser, "slider.value")
    with pytest.raises(TimeoutException):
        wait(browser, lambda: model(browser, "slider.value") != paused, seconds=0.7)
    press(browser, Keys.SPACE)
    wait(browser, lambda: model(browser, "slider.value") == 11 and not model(browser, "play.active"))
    assert browser.execute_script("return seen") == list(range(1, 12))
    press(browser, Keys.SPACE)
    wait(browser, lambda: 1 in browser.execute_script("return seen.slice(11)"))
    assert errors(browser) == []


def test_another_task_axis_and_activations(browser, page, tasks):
    opened(browser, page, PHONE)
    press(browser, Keys.TAB, Keys.ARROW_DOWN)
    wait(browser, lambda: shown_at(browser, tasks, "two 4-2", 0))
    press(browser, Keys.ARROW_DOWN)
    wait(browser, lambda: shown_at(browser, tasks, "three 3", 0))
    assert model(browser, "slider.end") == 3
    press(browser, Keys.TAB, Keys.ARROW_DOWN)
    wait(browser, lambda: shown_at(browser, tasks, "three 3", 0, axis="linear"))
    press(browser, Keys.TAB, Keys.SPACE)
    wait(browser, lambda: not browser.find_element(By.ID, "panel_esp").is_displayed())
    assert browser.find_element(By.ID, "panel_relu").is_displayed()
    assert errors(browser) == []


def test_stand_in_data_are_marked_in_every_picture_and_only_they(browser, page):
    opened(browser, page, DESKTOP)
    pictures = [*(f"{kind}_{name}" for kind in ("spectrum", "boundary") for name in ACTIVATIONS)]
    pictures += [f"curve_{name}" for name in style.LABELS]
    for keys, marked in (((Keys.TAB,), False), ((Keys.ARROW_DOWN,), True), ((Keys.ARROW_DOWN,), False)):
        press(browser, *keys)
        wait(browser, lambda marked=marked: model(browser, "notice.visible") is marked)
        for picture in pictures:
            title = f"{picture}.above.find((part) => part.name === 'mark')"
            assert model(browser, f"{title}.visible") is marked
            assert ("STAND-IN" in model(browser, f"{title}.text")) is marked


WRITTEN = """
window.written = new Map()
const write = CanvasRenderingContext2D.prototype.fillText
CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...rest) {
  const {width, actualBoundingBoxLeft: left, actualBoundingBoxRight: right} = this.measureText(text)
  const at = this.getTransform().transformPoint({x, y}), level = this.getTransform().b === 0
  const canvas = this.canvas
  if (level && width && text.trim()) {
    if (!written.has(canvas)) written.set(canvas, new Map())
    written.get(canvas).set(`${text} ${at.x} ${at.y}`, {text, left: at.x - left, right: at.x + right, y: at.y})
  }
  return write.call(this, text, x, y, ...rest)
}
"""
"""Notes what is written on each canvas from now on, and where, in pixels."""


@pytest.mark.parametrize(("name", "axis"), [("one 3", "symlog"), ("three 3", "symlog"), ("one 3", "linear")])
def test_no_tick_label_stands_on_another_on_a_phone(browser, page, name, axis):
    opened(browser, page, PHONE)
    browser.execute_script(WRITTEN)
    script = "for (const [name, value] of arguments) Bokeh.documents[0].get_model_by_name(name).value = value"
    other = "linear" if axis == "symlog" else "symlog"
    browser.execute_script(script, ["axis", other])
    browser.execute_script("written.clear()")
    browser.execute_script(script, ["task", name], ["axis", axis])
    wait(browser, lambda: browser.execute_script("return written.size"))
    wait(browser, lambda: browser.execute_script("return Bokeh.documents[0].is_idle"))
    canvases = browser.execute_script("return [...written.values()].map(found => [...found.values()])")
    spectra = [found for found in canvases if any("eigenvalues" in text["text"] for text in found)]
    assert len(spectra) == len(ACTIVATIONS)
    for found in spectra:
        lines = [
            sorted((text for text in found if text["y"] == y), key=lambda text: text["left"])
            for y in {t["y"] for t in found}
        ]
        ticks = max(lines, key=len)
        assert len(ticks) >= 4
        for line in lines:
            for text, after in pairwise(line):
                assert text["right"] + 2 <= after["left"], (text, after)
        assert all(text["left"] >= 0 and text["right"] <= PHONE[0] for text in found)
        if axis == "symlog":
            assert {"−τ", "τ"} <= {text["text"] for text in ticks}


@pytest.mark.long
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_all_seven_activations_fit(browser, tmp_path, size):
    names = list(registry.ACTIVATIONS)
    tasks = {name: explorer.task(dataset, "3", runs) for name, (dataset, runs) in {"one 3": made("one 3", names)}.items()}
    (tmp_path / "explorer.html").write_text(explorer.page(tasks, names))
    opened(browser, (tmp_path / "explorer.html").as_uri(), size)
    assert len(names) == 7
    assert overflow(browser) == 0
    assert errors(browser) == []
