"""The examples of docs/library.md run, and print what the page says."""

import doctest
import os

import pytest
from examples import ROOT

PAGE = (ROOT / "docs/library.md").read_text()
SECTIONS = {section.partition("\n")[0]: section for section in PAGE.split("\n## ")[1:]}
FIRST = "A spectrum"


@pytest.mark.parametrize(("section", "needed"), [
    (FIRST, "sklearn"), ("scikit-learn", "sklearn"), ("Keras", "keras"), ("PyTorch", "torch"),
])  # fmt: skip
def test_the_examples_print_what_the_page_says(section, needed, tmp_path, monkeypatch):
    """Each after the first, whose data it uses."""
    if needed == "keras":
        from meanfield.training.tensorflow_model import configure

        monkeypatch.setitem(os.environ, "KERAS_HOME", str(tmp_path))
        configure(threads=1)
    pytest.importorskip(needed, reason="PyTorch is too large for this environment; make benchmarks runs this in its own")
    code = "\n".join(SECTIONS[name] for name in dict.fromkeys((FIRST, section))).replace("```", "")
    test = doctest.DocTestParser().get_doctest(code, {}, section, "docs/library.md", 0)
    said = []
    doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    assert said == [], "".join(said)


def test_every_example_is_in_a_section_that_runs():
    run = {FIRST, "scikit-learn", "Keras", "PyTorch"}
    assert {name for name, section in SECTIONS.items() if ">>> " in section} == run
