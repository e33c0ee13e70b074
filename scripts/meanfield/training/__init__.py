"""How a run comes about: initial draw, learning rates, the arithmetic of 2018, TensorFlow, NumPy."""
