"""The large dense linear algebra of the spectrum step by TensorFlow, for a GPU."""

from meanfield.curvature.dense import Dense
from meanfield.training.tensorflow_model import tf

TENSORFLOW = Dense(
    lambda left, right: tf.linalg.matmul(left, right).numpy(),
    lambda matrices: tf.linalg.eigvalsh(matrices).numpy(),
    lambda matrix: tuple(part.numpy() for part in tf.linalg.eigh(matrix)),
)
"""On the device that `tensorflow_model.configure` chose, float64."""
