"""
The large dense linear algebra of the spectrum step, in one place so that it can run on another device.

NUMPY is the CPU's. `tensorflow_dense` gives the same three functions on a GPU: the formulas around them do not change.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Dense(NamedTuple):
    """Matrix product of stacks; eigenvalues, and eigenvalues with eigenvectors, of symmetric stacks. NumPy in, NumPy out."""

    product: Callable[[np.ndarray, np.ndarray], np.ndarray]
    eigvalsh: Callable[[np.ndarray], np.ndarray]
    eigh: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


NUMPY = Dense(np.matmul, np.linalg.eigvalsh, np.linalg.eigh)
