"""
Snakemake, imported once and forked for each of many commands that run no job: each takes a fraction of the time.

    python forked.py commands.json    a list of lists of arguments; command n writes to {n}.out, the statuses are printed
"""

import json
import multiprocessing
import os
import sys
from pathlib import Path

from snakemake.cli import main


def run(number: int, arguments: list[str]) -> None:
    """One command, in a process of its own."""
    output = os.open(f"{number}.out", os.O_WRONLY | os.O_CREAT)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.argv = ["snakemake", *arguments]
    sys.exit(main())


processes = []
for command in enumerate(json.loads(Path(sys.argv[1]).read_text())):
    processes.append(multiprocessing.get_context("fork").Process(target=run, args=command))
    processes[-1].start()
    if len(processes) > 1:  # two at a time
        processes[-2].join()
for process in processes:
    process.join()
print(*(process.exitcode for process in processes))
