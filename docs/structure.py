"""
Draws how the project is built: the way of the data, rule by rule, and the rooms of the core, each above those it imports.

    python docs/structure.py docs/images/structure.svg       (make images; a test holds the picture against the code)

Both are read from the code: rules and their order from `snakemake --rulegraph`, imports by grimp, as import-linter does.
"""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import matplotlib
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

ROOT = Path(__file__).parent.parent
CORE = ROOT / "scripts" / "meanfield"
LEFT_OUT = {"all", "figures", "videos", "benchmarks"}  # targets, and the rule that waits for everything
matplotlib.rcParams.update({"svg.hashsalt": "structure", "svg.fonttype": "none", "font.size": 9})


def rooms() -> list[str]:
    """The rooms, from the roof to the ground, as import-linter holds them."""
    contract, *_ = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return [layer.removeprefix("meanfield.") for layer in contract["layers"] if (CORE / layer.split(".")[1]).is_dir()]


def imports() -> dict[tuple[str, str], int]:
    """How many imports lead from modules of one room to those of another: {(importing, imported): number}."""
    sys.path.insert(0, str(CORE.parent))
    graph = grimp.build_graph("meanfield", cache_dir=None)
    found: dict[tuple[str, str], int] = {}
    for module in graph.modules:
        for other in graph.find_modules_directly_imported_by(module):
            pair = module.split(".")[1], other.split(".")[1]
            if pair[0] != pair[1] and set(pair) <= set(rooms()):
                found[pair] = found.get(pair, 0) + 1
    return found


def rules() -> dict[str, set[str]]:
    """Each rule and the rules that it needs, for the default run and those that go further."""
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "dot", "all", "deviations", "tolerances", "claims"]
    command += ["--config", "seeds=2", "seeds_per_job=1"]  # a run in pieces has all rules
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore"}
    said = subprocess.run(command, cwd=ROOT, env=quiet, text=True, capture_output=True, check=True).stdout
    names = dict(re.findall(r"(\d+)\[label = \"(\w+)", said))
    needs: dict[str, set[str]] = {name: set() for name in names.values() if name not in LEFT_OUT}
    for before, after in re.findall(r"(\d+) -> (\d+)", said):
        if names[after] in needs and names[before] in needs:
            needs[names[after]].add(names[before])
    return needs


def stages(needs: dict[str, set[str]]) -> list[list[str]]:
    """The rules in columns, each to the right of all that it needs."""

    def depth(name: str) -> int:
        return 1 + max(map(depth, needs[name]), default=-1)

    columns: list[list[str]] = [[] for _ in range(1 + max(map(depth, needs)))]
    for name in needs:
        columns[depth(name)].append(name)
    return columns


def draw() -> Figure:
    """The picture: above the way of the data, below the rooms."""
    figure = Figure(figsize=(11, 8.6), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(1, 1.25))
    _way(above, rules())
    _rooms(below, rooms(), imports())
    for axes in (above, below):
        axes.set_axis_off()
    return figure


def _way(axes: matplotlib.axes.Axes, needs: dict[str, set[str]]) -> None:
    """Rules as boxes, from left to right; an arrow from each to those that need it, unless another leads there, too."""
    columns = stages(needs)
    ancestors = {name: set().union(*(ancestor(other, needs) for other in needs[name])) for name in needs}
    boxes = {}
    for x, column in enumerate(columns):
        for number, name in enumerate(sorted(column, key=lambda name: (len(needs[name]), name))):
            y = ((len(column) - 1) / 2 - number) * min(3 if x == 0 else 1.3, 4.6 / len(column))
            look = {"boxstyle": "round", "fc": "#E8F0F8", "ec": "#0072B2"}
            boxes[name] = axes.text(x, y, name, ha="center", va="center", bbox=look, zorder=2)
    for name, box in boxes.items():
        for other in sorted(needs[name] - ancestors[name]):
            ends = {"posA": boxes[other].get_position(), "posB": box.get_position()}
            patches = {"patchA": boxes[other].get_bbox_patch(), "patchB": box.get_bbox_patch()}
            arrow = FancyArrowPatch(**ends, **patches, arrowstyle="->", mutation_scale=9, color="0.5", lw=0.9, zorder=1)
            axes.add_patch(arrow)
    axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(-2.6, 2.6))
    axes.set_title("The way of the data: each rule is a script of the same name in scripts/", loc="left", weight="bold")


def ancestor(name: str, needs: dict[str, set[str]]) -> set[str]:
    """All that a rule needs, at any depth, itself left out."""
    return needs[name].union(*(ancestor(other, needs) for other in needs[name]))


def _rooms(axes: matplotlib.axes.Axes, names: list[str], lines: dict[tuple[str, str], int]) -> None:
    """Rooms as a tower: what each is for and holds; on its right how often its modules import those of each below."""
    for floor, name in enumerate(names):
        y = -floor
        modules = sorted(path.stem for path in (CORE / name).glob("[!_]*.py"))
        purpose = ast.get_docstring(ast.parse((CORE / name / "__init__.py").read_text()))
        axes.text(0, y, name, weight="bold", va="center", size=11, color="#0072B2")
        axes.text(1.6, y + 0.17, purpose, va="center", size=8)
        axes.text(1.6, y - 0.2, ", ".join(modules), va="center", size=8, color="0.4", style="italic")
        axes.plot([0, 13.4], [y - 0.5] * 2, color="0.85", lw=0.8)
        axes.text(9.9 + 0.45 * floor, 0.75, name, rotation=45, ha="left", va="bottom", size=8, color="#0072B2")
        for below, other in enumerate(names):
            x = 10 + 0.45 * below
            if number := lines.get((name, other)):
                disc = {"boxstyle": "circle", "fc": "#F5E3D7", "lw": 0}
                axes.text(x, y, str(number), ha="center", va="center", size=8, bbox=disc)
            elif name == other:
                axes.plot(x, y, "s", color="#0072B2", ms=7)
    axes.set(xlim=(-0.1, 14.5), ylim=(-len(names) + 0.4, 2.2))
    title = "The rooms of the core, scripts/meanfield/: each imports only rooms below it (discs: how often)"
    axes.set_title(title, loc="left", weight="bold")


if __name__ == "__main__":
    draw().savefig(sys.argv[1], metadata={"Date": None, "Creator": None})
