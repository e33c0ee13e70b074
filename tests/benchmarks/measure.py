"""How the benchmarks measure: a function again and again in this process, or a method in a process of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any


def repeated(
    function: Callable[[], Any], repeats: int, clock: Callable[[], float] = time.perf_counter
) -> tuple[Any, list[float]]:
    """The last result and the seconds of each call."""
    seconds = []
    for _ in range(repeats):
        start = clock()
        result = function()
        seconds.append(clock() - start)
    return result, seconds


def alone(script: str, name: str, method: str, core: int) -> dict | str:
    """What `script NAME METHOD` prints as JSON, run on that core; the error, if it is one of what a framework lacks."""
    command = [sys.executable, script, name, method]
    result = subprocess.run(
        command, capture_output=True, text=True, preexec_fn=lambda: os.sched_setaffinity(0, {core}), check=False
    )
    if "NotImplementedError" in result.stderr:  # what a framework cannot do is part of the answer
        return result.stderr.strip().splitlines()[-1]
    if result.returncode:
        sys.exit(f"{name}, {method}: {result.stderr.strip().splitlines()[-1:]}")
    print(f"measured {method}", file=sys.stderr)
    return json.loads(result.stdout.splitlines()[-1])
