"""What jobs ask for: grows as P² and with N, and holds what was measured."""

import pytest
from meanfield.ensemble import members
from meanfield.jobs import resources

DIGITS = resources.Problem(samples=1797, inputs=64, labels=10, hidden=[25], seeds=1, updates=2000, records=56, vectors=1)
MNIST = DIGITS._replace(samples=2000, inputs=784, records=1, vectors=0)


def test_parameters_of_the_published_networks():
    assert DIGITS.parameters == 1920
    assert DIGITS._replace(inputs=2, labels=1, hidden=[8, 2]).parameters == 56
    assert MNIST.parameters == 19920


def test_memory_of_the_spectrum_grows_as_the_square_of_the_parameters():
    wide = DIGITS._replace(hidden=[250])
    base = resources.spectrum(DIGITS._replace(hidden=[1]))[0]
    ratio = (resources.spectrum(wide)[0] - base) / (resources.spectrum(DIGITS)[0] - base)
    assert ratio == pytest.approx((wide.parameters / DIGITS.parameters) ** 2, rel=0.2)


def test_memory_and_time_grow_with_the_samples():
    many = DIGITS._replace(samples=1000 * DIGITS.samples, updates=100 * DIGITS.updates, records=100)
    more = many._replace(samples=2 * many.samples)
    for need in (resources.training, resources.spectrum):
        for part in (0, 1):
            assert need(more)[part] == pytest.approx(2 * need(many)[part], rel=0.1)


def test_without_the_matrix_memory_grows_neither_as_the_square_nor_with_the_samples():
    free = MNIST._replace(lanczos=(5, 200), seeds=1, updates=1, records=1)
    large = free._replace(hidden=[1000, 1000])
    assert large.parameters > 90 * free.parameters
    assert resources.spectrum(large)[0] < 6000
    many = free._replace(samples=60_000)
    assert resources.spectrum(many)[0] < 4000 < resources.spectrum(many._replace(lanczos=None))[0]


def test_counting_takes_two_matrices_of_networks_that_are_counted():
    free = MNIST._replace(lanczos=(5, 200), seeds=1)
    counted = free._replace(counted=2, counted_up_to=20_000)
    matrix = 8 * MNIST.parameters**2 / 2**20
    assert 2 * matrix < resources.spectrum(counted)[0] < 2 * matrix + 1000
    assert resources.spectrum(counted)[0] > 1.1 * 5740  # measured, config/mnist.yaml with ReLU
    assert resources.spectrum(counted)[1] > resources.spectrum(free)[1]
    assert resources.spectrum(counted._replace(counted_up_to=19_000)) == resources.spectrum(free)
    assert resources.spectrum(counted._replace(lanczos=None)) == resources.spectrum(free._replace(lanczos=None))


def test_counting_alone_takes_three_matrices_and_none_to_be_read():
    inertia = MNIST._replace(by_inertia=True)
    matrix = 8 * MNIST.parameters**2 / 2**20
    assert 3 * matrix < resources.spectrum(inertia)[0] < 3 * matrix + 1000
    assert resources.spectrum(inertia)[1] < resources.spectrum(MNIST)[1]
    assert resources.reading(inertia)[0] < resources.reading(MNIST)[0] - matrix / 2


def test_batches_take_the_time_of_their_samples():
    many = DIGITS._replace(samples=60_000, inputs=784, updates=10_000)
    assert resources.training(many._replace(batch=600))[1] < resources.training(many)[1] / 20
    assert resources.training(many._replace(batch=90_000)) == resources.training(many)


def test_pictures_without_the_matrix_ask_for_no_square_but_for_the_features():
    free = MNIST._replace(lanczos=(5, 200), samples=70_000, hidden=[300, 100])
    assert free.parameters > 250_000
    features = 8 * 70_000 * 784 // resources.MIB
    assert 2 * features < resources.reading(free, runs=3)[0] < 8 * features
    assert 2 * features < resources.explorer([free]) < 8 * features
    assert resources.reading(DIGITS, runs=3)[0] > 3 * 2 * 8 * 1920**2 // resources.MIB  # eigenvectors, once
    assert resources.explorer([DIGITS] * 15) < 3000


def test_measured_peaks_fit():
    """Measured: spectrum of digits 239 MiB, training 724 MiB; P = 19,920 6.1 GiB (docs/cluster.md)."""
    assert resources.spectrum(DIGITS)[0] > 239
    assert resources.training(DIGITS)[0] > 724
    assert resources.spectrum(MNIST)[0] > 6.1 * 1024


def test_seeds_are_paid_for():
    many = DIGITS._replace(seeds=30)
    for need in (resources.training, resources.spectrum, resources.reading):
        assert need(many)[0] > need(DIGITS)[0]
    assert resources.training(many)[1] > resources.training(DIGITS)[1]


def test_joining_takes_time_for_all_seeds_and_memory_for_a_piece():
    few, many = (DIGITS._replace(seeds=seeds) for seeds in (100, 1000))
    (memory, time), (same, longer) = map(resources.joining, (few, many))
    assert memory == same < 4000
    assert longer - 10 > 8 * (time - 10) > 0


def test_joint_tables_of_many_seeds_fit_into_2_gib():
    """Measured: of 126 runs of 300 seeds, 2.3 million lines, curves take 1,041 MiB at most (docs/cluster.md)."""
    assert members.SHOWN + 3 == resources.MEMBERS_DRAWN
    small = resources.Problem(690, 2, 1, [10], seeds=300, updates=2300, records=62, vectors=1)
    assert 1041 < resources.table([small] * 126) < resources.table([small._replace(seeds=1000)] * 126) < 2048
