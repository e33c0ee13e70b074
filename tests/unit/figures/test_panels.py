"""Panels side by side, few enough to be read; texts pulled apart."""

import numpy as np
import pytest
from meanfield.figures import panels


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (3, 3), (4, 2), (5, 3), (7, 3), (8, 3), (14, 3)])
def test_at_most_three_panels_stand_side_by_side_in_even_rows(count, columns):
    figure, cells = panels.grid("title", "mirror", count, [2.0, 1.0], sharex=True)
    assert cells.shape == (count, 2)
    assert panels.columns(count) == len(panels.lowest(cells)) == columns
    assert len(figure.axes) == 2 * count
    assert figure.get_figwidth() <= panels.WIDTH * 3 + 0.6


def test_a_panel_with_none_below_it_shows_the_labels_of_its_axis():
    figure, cells = panels.grid("title", "mirror", 5, [1.0], sharex=True)
    figure.draw_without_rendering()
    shown = [axes.xaxis.get_tick_params()["labelbottom"] for axes in cells[:, 0]]
    assert shown == [False, False, True, True, True]


@pytest.mark.parametrize("wanted", [[5.0], [0, 5, 9], [4, 4, 4, 4.1], [0, 0, 0, 10, 10], [9.9, 9.95, 10]])
def test_places_are_apart_within_and_where_they_were_wanted_if_they_can(wanted):
    places = panels.spread(np.array(wanted), 1.0, 0, 10)
    assert (np.diff(places) >= 1 - 1e-12).all()
    assert places.min() >= 0
    assert places.max() <= 10
    if (np.diff(wanted) >= 1).all():
        np.testing.assert_allclose(places, wanted)


def test_too_many_places_come_closer():
    np.testing.assert_allclose(panels.spread(np.full(21, 3.0), 1.0, 0, 10), np.linspace(0, 10, 21))
