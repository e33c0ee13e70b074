"""The mathematics of a network: activations, losses, layout, propagation; and all of it to be read, in reference."""
