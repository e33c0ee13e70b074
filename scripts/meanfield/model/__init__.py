"""The mathematics of a network: activations, losses, layout, propagation; all of it once more, to be read (`reference`)."""
