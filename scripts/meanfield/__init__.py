"""
Mean-field theory of activation functions: exact Hessian spectra of small networks along training.

As a library (docs/library.md): `Network`, `activation`, `hessian`, `spectrum`, `MeanfieldError`, each loaded at first use.
"""

_PUBLIC = {
    "Network": "meanfield.model.network",
    "activation": "meanfield.curvature.library",
    "hessian": "meanfield.curvature.library",
    "spectrum": "meanfield.curvature.library",
    "MeanfieldError": "meanfield.errors",
}
__all__ = list(_PUBLIC)


def __getattr__(name: str) -> object:
    """What the library offers, from where it is."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'meanfield' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
