import numpy as np
import pytest
from meanfield.training.schedule import learning_rates, recorded_updates


@pytest.mark.parametrize(("updates", "records"), [(1000, 36), (2300, 62), (2500, 66), (2000, 56), (1, 1), (12, 2)])
def test_published_number_of_records(updates, records):
    assert recorded_updates(updates).size == records


def test_published_records():
    records = recorded_updates(400)
    np.testing.assert_array_equal(records[:3], [0, 11, 21])
    np.testing.assert_array_equal(records[19:], [191, 211, 261, 311, 361])


def test_learning_rate_decays_in_float32():
    rates = learning_rates(1001, 0.01, 0.9, 500)
    assert rates.dtype == np.float32
    assert rates[0] == np.float32(0.01)
    np.testing.assert_allclose(rates[[500, 1000]], [0.009, 0.0081], rtol=2e-7)
    assert (np.diff(rates) < 0).all()
