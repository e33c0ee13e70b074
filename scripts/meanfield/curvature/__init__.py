"""The Hessian: exact, in closed form and by automatic differentiation; its eigenvalues, their counts, flat directions."""
