"""Mean-field theory of activation functions: exact Hessian spectra of small networks along training."""
