"""The checks of pictures find what is wrong, and nothing in a picture that is right."""

import pytest
from matplotlib import rcParams
from matplotlib.figure import Figure
from pictures import contrast, cut, overlaps, pale, smallest


@pytest.fixture
def figure() -> Figure:
    figure = Figure(figsize=(4, 2), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], label="a curve")
    axes.set(title="title", xlabel="x", ylabel="y")
    figure.legend(loc="outside lower center")
    return figure


def test_nothing_is_wrong_with_a_plain_figure(figure):
    assert cut(figure) == overlaps(figure) == pale(figure) == []
    assert smallest(figure, 4 * 72) == rcParams["font.size"]


def test_what_reaches_beyond_the_figure_is_cut(figure):
    figure.text(0.9, 0.5, "beyond the edge")
    figure.legend([figure.axes[0].lines[0]], ["a legend wider than its figure " * 3], loc="center")
    assert sorted(cut(figure)) == ["a legend wider than its figure " * 3, "beyond the edge", "legend"]


def test_texts_overlap_also_at_ticks(figure):
    figure.axes[0].set_xticks([0.5, 0.501], ["one", "two"])
    assert overlaps(figure) == ["one / two"]


def test_pale_and_small_type_is_found_on_what_it_is_drawn_on(figure):
    figure.axes[0].axhspan(0, 1, color="black")
    figure.axes[0].text(0.5, 0.5, "dark", color="0.3", size=5)
    figure.text(0.02, 0.02, "light", color="0.8")
    assert sorted(pale(figure)) == ["dark", "light"]
    assert smallest(figure, 8 * 72) == 10


def test_contrast_goes_from_1_to_21():
    assert contrast("white", "white") == 1
    assert contrast("black", "white") == pytest.approx(21)
    assert contrast("#767676", "white") == pytest.approx(4.54, abs=0.005)
