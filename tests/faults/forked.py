"""
Snakemake, imported once and run in a fork for each command: a dry run takes a fraction of the time, and is no less real.

    python forked.py commands.json    a list of lists of arguments; command n writes to {n}.out, its status is printed
"""

import json
import os
import sys
from pathlib import Path

from snakemake.cli import main

for number, arguments in enumerate(json.loads(Path(sys.argv[1]).read_text())):
    if child := os.fork():
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        continue
    output = os.open(f"{number}.out", os.O_WRONLY | os.O_CREAT)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.argv = ["snakemake", *arguments]
    sys.exit(main())
