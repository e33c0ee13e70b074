"""
Training and its record: one run, all members, by one of three trainers of the same interface.

`replay` computes in the arithmetic of 2018, `tensorflow_training` by TensorFlow's kernels, `numpy_training` by NumPy's. The
protocol is that of docs/protocol.md, sections "Loss and optimizer" and "What is recorded, and when".
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import xarray as xr

from meanfield.data.storage import diverged_members
from meanfield.data.task import is_shifted, loss_of, part, scores_of, splits_of, task_of
from meanfield.errors import MeanfieldError
from meanfield.model.network import Network
from meanfield.training.arithmetic import Environment
from meanfield.training.batches import Batches
from meanfield.training.schedule import learning_rates, recorded_updates
from meanfield.training.scores import SCORE

TENSORFLOW, NUMPY = "tensorflow", "numpy"  # the arithmetic of their kernels, as configuration and files name it
RATE = ("learning_rate", "decay_rate", "decay_updates")


def kernels_for(network: Network, dataset: xr.Dataset, optimizer: dict, by_numpy: bool) -> str:
    """Whose kernels train a run that is not replayed: NumPy's, if these are asked for and can, else TensorFlow's."""
    from meanfield.training import numpy_training

    suited = by_numpy and numpy_training.suits(network, loss_of(dataset).name, dataset.target.values, optimizer)
    return NUMPY if suited else TENSORFLOW


def train(
    network: Network,
    dataset: xr.Dataset,
    initial: np.ndarray,
    *,
    seeds: Sequence[int],
    updates: int,
    recording: dict,
    optimizer: dict,
    averaging: str = "float32",
    residual_output: str = "probability",
    environment: Environment | None = None,
    kernels: str = TENSORFLOW,
    random_rounding: bool = False,
    others: bool = False,
    progress: Callable[[Iterable, str], Iterable] = lambda items, unit: items,
) -> xr.Dataset:
    """Train one run from initial parameters [seed, P] and record its trajectory.

    Dims: seed, update, parameter, label, sample. `dataset` as `datasets` writes it; its task decides the loss; one with
    several splits has a split for each member. `seeds` are the members' names; `updates` and `recording` say when something
    is recorded (`schedule`); `optimizer` is the configuration's. With an `environment` the arithmetic is that of 2018 in it,
    else that of `kernels`, TensorFlow's or NumPy's (`numpy_training.suits`), TensorFlow's with `random_rounding` of the
    parameters or without. What is recorded is of the whole training set,
    whatever the optimizer's batch_size. Arithmetic, loss and optimizer are in the attributes.

    At update t, cost, gradient and the training scores (train_accuracy; `data.task.scores_of`) are those of the parameters
    before it, as published; all else is after it, cost_after and train_accuracy_after, too. `diverged` [seed] is the update
    at which a member's cost ceased to be finite, from where on all of it is NaN, or −1; the other members do not notice.
    MeanfieldError if all do, unless there are `others`: members of the same run in other jobs.
    """
    sets = {name: part(dataset, name) for name in ("train", "test")}
    target, test_target = (sets[name][1].swapaxes(-1, -2) for name in ("train", "test"))
    records = recorded_updates(updates, **recording)
    rates = learning_rates(int(records[-1]) + 1, *(optimizer[key] for key in RATE))
    scores = scores_of(dataset)
    common = network, sets, initial, rates, optimizer, residual_output
    loss = loss_of(dataset)
    if environment:
        from meanfield.training import replay

        trainer = replay.Trainer(*common, environment=environment)
    elif kernels == NUMPY:
        from meanfield.training import numpy_training

        trainer = numpy_training.Trainer(*common, averaging=averaging)
    else:
        from meanfield.training import tensorflow_training  # not before it is asked for: it takes seconds to load

        trainer = tensorflow_training.Trainer(
            *common,
            loss=loss.name,
            averaging=averaging,
            batches=optimizer["batch_size"] and Batches(optimizer["batch_size"], target.shape[-1], seeds),
            random_rounding=random_rounding,
        )

    def score(name: str, z: np.ndarray, target: np.ndarray) -> np.ndarray:
        return SCORE[name](z if name == "r2" else z - loss.boundary, target)

    rows, previous = [], -1
    for update in progress(records, "record"):
        value, z, gradient = trainer.advance(int(update) - previous)
        previous = int(update)
        if (trainer.diverged >= 0).all() and not others:
            raise MeanfieldError(
                f"the cost is no longer finite: {diverged_members(trainer.diverged, seeds)}; lower "
                "optimizer.learning_rate, or check the features' scale"
            )
        value_after, z_after, gradient_norm, residual, test_z = trainer.measure()
        rows.append(
            {
                "cost": value,
                **{f"train_{name}": score(name, z, target) for name in scores},
                "gradient": gradient,
                "cost_after": value_after,
                **{f"train_{name}_after": score(name, z_after, target) for name in scores},
                **{f"test_{name}": score(name, test_z, test_target) for name in scores},
                "gradient_norm": gradient_norm,
                "parameters": trainer.theta,
                "residual": residual,
            }
        )
    arrays = {name: np.stack([row[name] for row in rows], axis=1).astype(float) for name in rows[0]}
    diverged = _without_diverged(arrays, records, trainer.diverged)
    inner = {"parameters": ("parameter",), "gradient": ("parameter",), "residual": ("label", "sample")}
    variables = {name: (("seed", "update", *inner.get(name, ())), array) for name, array in arrays.items()}
    return xr.Dataset(
        {**variables, "diverged": ("seed", diverged)},
        coords={
            "seed": dataset.seed if splits_of(dataset) else list(seeds),
            "update": records,
            "parameter": network.parameter_names,
        },
        attrs={"summary": _sentence(network, dataset, target.shape[-1], updates, optimizer["method"])}
        | {"arithmetic": environment.name if environment else kernels, "loss": loss.name, "averaging": averaging}
        | said(optimizer),
    )


def _sentence(network: Network, dataset: xr.Dataset, samples: int, updates: int, method: str) -> str:
    """What was trained, for someone who has nothing but the file."""
    widths = "-".join(map(str, [network.inputs, *network.hidden, network.outputs]))
    labels = ", labels shifted by one as in 2018" if is_shifted(dataset) else ""
    return (
        f"A fully connected network of {widths} units with the activation {network.activation.label}, {network.size} "
        f"parameters, trained on {samples} samples of the dataset {dataset.attrs.get('dataset', '')} "
        f"({task_of(dataset)}{labels}) for {updates} updates of {method} on the mean {loss_of(dataset).name}."
    )


def said(optimizer: dict) -> dict[str, str | int | float]:
    """The settings of an optimizer as attributes: its method as `optimizer`, and what this method takes."""
    taken = {"adam": ("beta1", "beta2", "epsilon"), "momentum": ("momentum",), "sgd": ()}[optimizer["method"]]
    numbers = {name: optimizer[name] for name in (*RATE, *taken, "l2")}
    return {"optimizer": optimizer["method"], "batch_size": optimizer["batch_size"] or "all samples"} | numbers


def _without_diverged(arrays: dict[str, np.ndarray], records: np.ndarray, diverged: np.ndarray) -> np.ndarray:
    """Blank, in place, arrays [seed, update, …] from where a member is not finite; the update where, or −1, int64 [seed].

    The last update before a record can overflow without any cost before it having done so.
    """
    scalars = [arrays[name] for name in ("cost", "cost_after", "gradient_norm")]
    finite = np.isfinite([*scalars, arrays["parameters"].sum(axis=-1)]).all(axis=0)
    finite &= (diverged < 0)[:, None] | (records < diverged[:, None])
    alive = np.logical_and.accumulate(finite, axis=1)
    for array in arrays.values():
        array[~alive] = np.nan
    first = np.where(alive.all(axis=1), -1, records[alive.argmin(axis=1)])
    return np.where(diverged >= 0, diverged, first).astype(np.int64)
