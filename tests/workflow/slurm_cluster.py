"""
A SLURM cluster of one node, this machine: munged, slurmctld and slurmd in a scratch folder, without accounting.

    with slurm_cluster.start(folder) as environment: …    commands run with this environment see the cluster
    python tests/workflow/slurm_cluster.py snakemake …    run a command on such a cluster

Needs root and Debian's packages slurm-wlm and munge.
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo", "srun", "setpriv")
PATIENCE = 30  # seconds

CONFIGURATION = """\
ClusterName=scratch
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
PlugStackConfig={folder}/plugstack.conf
ProctrackType=proctrack/linuxproc
TaskPlugin=task/affinity
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
MpiDefault=none
MailProg=/bin/true
SlurmdParameters=config_overrides
ReturnToService=2
MinJobAge=300
KillWait=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory} State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str | None:
    """Why no cluster can be started here, or None."""
    absent = [name for name in PROGRAMS if not shutil.which(name)]
    if absent:
        return f"a one-node SLURM cluster needs Debian's slurm-wlm and munge; absent: {', '.join(absent)}"
    if os.geteuid() != 0:
        return "a one-node SLURM cluster needs root"
    return None


@contextlib.contextmanager
def start(folder: Path) -> Iterator[dict[str, str]]:
    """A cluster in a new scratch folder beneath `folder`; the environment to use it. All of it is stopped at the end."""
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir=folder))
    (folder / "state").mkdir()
    (folder / "spool").mkdir()
    (folder / "plugstack.conf").touch()
    (folder / "cgroup.conf").write_text(f"CgroupPlugin={'disabled' if version() >= (23, 2) else 'cgroup/v1'}\n")
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o400)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    (folder / "slurm.conf").write_text(
        CONFIGURATION.format(
            folder=folder, host=host(), ports=free_ports(2), cores=len(os.sched_getaffinity(0)), memory=memory * 9 // 10
        )
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM_", "SBATCH_"))}
    environment["SLURM_CONF"] = str(folder / "slurm.conf")
    # Snakemake's plugin takes SLURM_* away from the srun that it starts in a job; a script of that name puts it back.
    (folder / "bin").mkdir()
    (folder / "bin/srun").write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which("srun")} "$@"\n')
    (folder / "bin/srun").chmod(0o755)
    environment["PATH"] = f"{folder}/bin:{environment['PATH']}"
    with contextlib.ExitStack() as stack:

        def daemon(*command: str) -> None:
            stack.enter_context(running([*command], folder, environment))

        daemon(
            "munged", "--foreground", "--force", f"--socket={folder}/munge.socket", f"--key-file={key}",
            f"--pid-file={folder}/munged.pid", f"--seed-file={folder}/munged.seed", f"--log-file={folder}/munged.log",
        )  # fmt: skip
        wait("munged's socket", (folder / "munge.socket").exists, folder)
        daemon("slurmctld", "-D", "-i", "-c", "-f", environment["SLURM_CONF"])
        daemon("slurmd", "-D", "-c", "-f", environment["SLURM_CONF"])
        stack.callback(subprocess.run, ["scancel", "--user=root", "--signal=KILL"], env=environment, capture_output=True)
        wait("the node to be idle", lambda: states(environment) == ["idle"], folder)
        yield environment
        subprocess.run(["scancel", "--user=root"], env=environment, capture_output=True)
        wait("the last jobs to end", lambda: states(environment) == ["idle"], folder)


@contextlib.contextmanager
def running(command: list[str], folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """A daemon, in the foreground of a process of its own; it ends with this block, even if this program is killed."""
    with open(folder / f"{command[0]}.out", "w") as output:
        mortal = ["setpriv", "--pdeathsig", "TERM", *command]
        process = subprocess.Popen(mortal, env=environment, stdout=output, stderr=output, start_new_session=True)
        try:
            yield
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait(what: str, condition, folder: Path) -> None:
    """Wait until the condition holds; else an error with what the daemons said last."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            said = [f"{path.name}:\n{path.read_text()[-2000:]}" for path in [*folder.glob("*.log"), *folder.glob("*.out")]]
            raise TimeoutError(f"waited {PATIENCE} s for {what}\n" + "\n".join(said))
        time.sleep(0.2)


def states(environment: dict[str, str]) -> list[str]:
    """States of all nodes, e.g. ["idle"]."""
    answer = subprocess.run(["sinfo", "--noheader", "--format=%T"], env=environment, text=True, capture_output=True)
    return answer.stdout.split()


def version() -> tuple[int, int]:
    """SLURM's version."""
    words = subprocess.run(["slurmd", "-V"], text=True, capture_output=True, check=True).stdout.split()
    major, minor = words[1].split(".")[:2]
    return int(major), int(minor)


def host() -> str:
    """This machine's name, as SLURM's daemons see it."""
    return socket.gethostname().split(".")[0]


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for entry in sockets:
            entry.bind(("127.0.0.1", 0))
        return [entry.getsockname()[1] for entry in sockets]


if __name__ == "__main__":
    if missing():
        sys.exit(missing())
    with tempfile.TemporaryDirectory() as scratch, start(Path(scratch)) as variables:
        status = subprocess.run(sys.argv[1:], env=variables).returncode
    sys.exit(status)
