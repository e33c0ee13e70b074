"""
How many small changes to the code the unit tests notice, by room: a random sample of mutants by Cosmic Ray's operators.

    python mutants.py trace                    which tests call which function, and how long each takes: trace.json
    python mutants.py sample curvature 60 25   60 places of a room at random after the first 25, one mutant at each
    python mutants.py slow curvature           the SLOW tests of the room, on those that survived

Needs cosmic-ray. It changes files in place and puts them back: run it in a clone. A mutant meets the tests of its module,
then those that call the function it is in, the quickest first, LIMIT seconds of them, in a process forked once the libraries
are imported. Annotations, what is raised, and what would not compile are not mutated.
"""

import ast
import json
import os
import random
import re
import signal
import sys
import time
from pathlib import Path

import hypothesis  # noqa: F401  imported here, once for all mutants, as the next four
import matplotlib.pyplot  # noqa: F401
import parso
import pytest
import scipy.stats  # noqa: F401
import sklearn.datasets  # noqa: F401
import xarray  # noqa: F401
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.operators.provider import OperatorProvider

ROOT = Path(__file__).parents[2]
ROOMS = ("model", "data", "training", "curvature", "verification", "ensemble")
LEFT_OUT = ("__init__", "tensorflow_model", "tensorflow_training", "tensorflow_dense", "autodiff")
SLOW = "bits_do_not_depend|beside_tensorflow|test_autodiff|inertia_counts_as|record.digits|one_among_re_tr|published_runs"
LIMIT, SEED = 10, 1
SWAPS = {"min": "max", "any": "all", "minimum": "maximum", "zeros": "ones", "sum": "mean", "isnan": "isfinite"}
SWAPS |= {new: old for old, new in SWAPS.items()}
KEPT = "Add_Sub|Sub_Add|Mul_Div|Div_Mul|FloorDiv_Mul|Mod_Mul|Pow_Mul|BitOr_BitAnd|BitAnd_BitOr"  # the others raise, mostly
TRIVIAL = rf"Binary(?!Operator_({KEPT})$)|_Is(Not)?_(?!Is)|(?<!Is)(?<!IsNot)_Is(Not)?$|Variable"


class Swap(Operator):
    """A name for one that takes the same arguments."""

    def mutation_positions(self, node):
        if node.type == "name" and node.value in SWAPS:
            yield node.start_pos, node.end_pos

    def mutate(self, node, index):
        node.value = SWAPS[node.value]
        return node

    @classmethod
    def examples(cls):
        return ()


OPERATORS = {name: OperatorProvider()[name] for name in OperatorProvider() if not re.search(TRIVIAL, name)} | {"Swap": Swap}


class Tracer:
    """Which functions each test calls, or the set-up of any test in its file, and how long each takes; no slow ones."""

    def __init__(self):
        self.calls, self.seconds, self.slow = {}, {}, []

    def pytest_collection_modifyitems(self, items):
        self.slow = [item.nodeid for item in items if re.search(SLOW, item.nodeid)]
        items[:] = [item for item in items if item.nodeid not in self.slow]

    def traced(self, name):
        calls = self.calls.setdefault(name, {})

        def trace(frame, event, argument):
            if "/meanfield/" in frame.f_code.co_filename:
                calls[f"{frame.f_code.co_filename.rpartition('/meanfield/')[2]}:{frame.f_code.co_firstlineno}"] = True

        sys.settrace(trace)
        try:
            return (yield)
        finally:
            sys.settrace(None)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item):
        return (yield from self.traced(item.nodeid.partition("::")[0]))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        return (yield from self.traced(item.nodeid))

    def pytest_runtest_logreport(self, report):
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0) + report.duration


class Chosen(list):
    """Only these tests, in this order."""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items):
        items[:] = sorted((item for item in items if item.nodeid in self), key=lambda item: self.index(item.nodeid))


def status_of(names: list[str], limit: float) -> int | None:
    """How pytest ends with these tests, in a process of its own; None after the time limit."""
    child = os.fork()
    if not child:
        os.setsid()
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        files = sorted({name.partition("::")[0] for name in names})
        os._exit(pytest.main(["-xq", "-p", "no:cacheprovider", *files], plugins=[Chosen(names)]))
    end = time.monotonic() + limit
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)


def nodes(node):
    """All of a parso tree."""
    yield node
    for child in getattr(node, "children", ()):
        yield from nodes(child)


def mutants(path: Path) -> list[dict]:
    """Every mutant of a module: operator, number, place, and the first line of the function it is in, 0 for none."""
    code = path.read_text()
    tree, parsed = list(ast.walk(ast.parse(code))), list(nodes(parso.parse(code)))
    left_out = [node for node in tree if isinstance(node, ast.Raise)]
    left_out += [part for node in tree for name in ("annotation", "returns") if (part := getattr(node, name, None))]
    spans = [((node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)) for node in left_out]
    defined = [node for node in tree if isinstance(node, ast.FunctionDef)]
    functions = [(min(part.lineno for part in (node, *node.decorator_list)), node.end_lineno) for node in defined]
    found = []
    for name, operator in OPERATORS.items():
        for number, (place, _) in enumerate(place for node in parsed for place in operator().mutation_positions(node)):
            if not any(first <= place < last for first, last in spans):
                within = min((first for first, last in functions if first <= place[0] <= last), default=0)
                found.append({"file": str(path), "place": place, "operator": name, "number": number, "function": within})
    return found


def judged(mutant: dict, trace: dict, slow: bool) -> dict:
    """Whether the tests notice a mutant, and what it changes."""
    path, seconds, total = Path(mutant["file"]), trace["seconds"], 0.0
    room, key = path.parent.name, f"{path.parent.name}/{path.name}:"
    names = [name for name in trace["slow"] if f"unit/{room}/" in name] if slow else []
    own = f"tests/unit/{room}/test_{path.stem}.py"
    for name in () if slow else sorted(seconds, key=lambda name: (not name.startswith(own), seconds[name])):
        calls = {*trace["calls"].get(name, ()), *trace["calls"].get(name.partition("::")[0], ())}
        function = mutant["function"]
        called = f"{key}{function}" in calls if function else any(call.startswith(key) for call in calls)
        if called or name.startswith(own):
            total += seconds[name]
            names += [name] * (total < LIMIT)
    code = path.read_text()
    changed = mutate_code(code, OPERATORS[mutant["operator"]](), mutant["number"])
    try:
        compile(changed, "", "exec")
        path.write_text(changed)
        status = status_of(names, 120 + 280 * slow) if names else 0
    except SyntaxError:
        return mutant | {"result": "no code"}
    finally:
        path.write_text(code)
    line = mutant["place"][0] - 1
    change = {"old": code.splitlines()[line].strip(), "new": changed.splitlines()[line].strip(), "seconds of tests": total}
    return mutant | {"result": {0: "survived", 5: "survived", None: "timed out"}.get(status, "killed")} | change


def main(command: str, room: str = "", number: str = "0", first: str = "0") -> None:
    """See above."""
    os.chdir(ROOT)
    sys.dont_write_bytecode, os.environ["PYTHONDONTWRITEBYTECODE"] = True, "1"
    if command == "trace":
        tracer = Tracer()
        pytest.main(["-q", *(f"tests/unit/{name}" for name in ROOMS)], plugins=[tracer])
        calls = {name: list(called) for name, called in tracer.calls.items()}
        Path("trace.json").write_text(json.dumps({"calls": calls, "seconds": tracer.seconds, "slow": tracer.slow}))
        return
    trace, record = json.loads(Path("trace.json").read_text()), Path(f"mutants_{room}.jsonl")
    if command == "sample":
        modules = (path for path in sorted(Path("scripts/meanfield", room).glob("*.py")) if path.stem not in LEFT_OUT)
        at = {}
        for mutant in (mutant for path in modules for mutant in mutants(path)):
            at.setdefault((mutant["file"], *mutant["place"]), []).append(mutant)
        rng = random.Random(SEED)
        chosen = [rng.choice(at[place]) for place in rng.sample(sorted(at), len(at))][int(first) : int(first) + int(number)]
        print(f"{room}: {len(at)} places, {sum(map(len, at.values()))} mutants")
    else:
        chosen = [mutant for line in record.open() if (mutant := json.loads(line))["result"] == "survived"]
        record = record.with_suffix(".slow.jsonl")
    with record.open("a") as stream:
        for mutant in chosen:
            result = judged(mutant, trace, command == "slow")
            print(json.dumps(result), file=stream, flush=True)
            print(result["result"], result["file"], *result["place"], result.get("new", ""), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
