"""
What `make` shows of a run: on a terminal the bars of Snakemake's rich logger plugin, elsewhere one short line a job.

    PYTHONPATH=workflow/terminal snakemake --cores 2 --logger meanfield

What this adds to the rich plugin: the time left, what a job says itself above the bars instead of across them, and groups of
jobs that fail. Snakemake's own log keeps the full listing.
"""

import logging
import os
import re
import threading
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn
from rich.text import Text
from snakemake_logger_plugin_rich import LogHandler as RichPlugin
from snakemake_logger_plugin_rich import events
from snakemake_logger_plugin_rich.event_handler import EventHandler

REFRESHED = 4  # times a second
UNSAID = "Using workflow specific profile|Config file .* is extended|Conda environments: ignored|Elapsed time"
"""Beginnings of messages that tell someone who typed `make` nothing."""


class Clock(ProgressColumn):
    """Time gone by and left for all jobs; for a rule, how many of its jobs run now."""

    def render(self, task: Task) -> Text:
        """Text for the end of one bar."""
        running = task.fields.get("running")
        if running is not None:
            return Text(f"{running} running" if running else "")
        left = "" if task.time_remaining is None else f", {minutes(task.time_remaining)} left"
        return Text(minutes(task.elapsed or 0) + left)


def minutes(seconds: float) -> str:
    """1:05 for 65 seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


class Events(EventHandler):
    """The rich plugin's, with what it leaves out."""

    def handle_workflow_started(self, event_data: events.WorkflowStarted, **kwargs) -> None:
        """Nothing: the number of jobs is the first line."""

    def _display_job_summary(self, per_rule_job_counts: dict[str, int], total_job_count: int) -> None:
        """One line, since each rule has its bar."""
        self.line(f"{total_job_count} jobs, {len(per_rule_job_counts)} rules")

    def handle_job_info(self, event_data: events.JobInfo, **kwargs) -> None:
        """Note when the job began."""
        super().handle_job_info(event_data, **kwargs)
        self.jobs_info[event_data.jobid]["began"] = time.monotonic()
        self.count_running(event_data.rule_name)

    def handle_job_finished(self, event_data: events.JobFinished, **kwargs) -> None:
        """Where there are no bars, a line: which of how many, what it was, how long it took."""
        super().handle_job_finished(event_data, **kwargs)
        if event_data.job_id not in self.jobs_info:
            return
        self.count_running(self.jobs_info[event_data.job_id]["rule"])
        if not self.console.is_terminal:
            took = time.monotonic() - self.jobs_info[event_data.job_id]["began"]
            self.line(f"{self.completed:4d} of {self.total_jobs}  {self.job(event_data.job_id)}, {took:.1f} s")

    def handle_job_error(self, event_data: events.JobError, **kwargs) -> None:
        """The job, its log's path, and all that the log holds."""
        info = self.jobs_info.get(event_data.jobid, {"log": []})
        self.line(f"failed: {self.job(event_data.jobid)}", "bold red")
        for log in map(Path, info["log"] or ()):
            said = log.read_text(errors="replace") if log.is_file() else "there is none: the job did not get that far"
            self.line(f"{log}:", "red")
            self.line("".join(f"  {line}\n" for line in said.splitlines()).rstrip())

    def handle_group_error(self, event_data: events.GroupError, **kwargs) -> None:
        """Each job of a group that was submitted, and the logs."""
        self.line(f"failed: group {event_data.groupid}", "bold red")
        if event_data.aux_logs:
            self.line(f"  log: {', '.join(map(str, event_data.aux_logs))}", "red")
        for job in event_data.job_error_info or ():
            self.line(f"  {job['name']}: {', '.join(map(str, job['log'] or ['no log']))}", "red")

    def handle_generic_record(self, record: logging.LogRecord, **kwargs) -> None:
        """As the rich plugin, but without what nobody asked for; and a run that failed is not called finished."""
        message = record.getMessage()
        if message.startswith("Complete log"):
            self.line(f"Snakemake's own log: {os.path.relpath(message.split(': ', 1)[1])}", "dim")
        elif not re.match(UNSAID, message):
            super().handle_generic_record(record, **kwargs)

    def count_running(self, rule: str) -> None:
        """Tell a rule's bar how many of its jobs run now."""
        counts = self.rule_counts[rule]
        self.progress.update(self.progress_display.rule_tasks[rule], running=counts["started"] - counts["completed"])

    def job(self, number: int) -> str:
        """Rule and wildcards of a job, as its own messages name it."""
        info = self.jobs_info.get(number, {"rule": f"job {number}", "wildcards": {}})
        return " ".join([info["rule"], *map(str, (info["wildcards"] or {}).values())])

    def line(self, text: str, style: str = "") -> None:
        """Print, above the bars if there are any; no line is broken, so that paths can be copied."""
        self.console.print(Text(text, style=style), soft_wrap=True)


class LogHandler(RichPlugin):
    """The plugin, as Snakemake finds it."""

    def __post_init__(self) -> None:
        """The rich plugin's handler, its bars with other columns, its events with more to them."""
        super().__post_init__()
        bar = BarColumn(bar_width=None, complete_style="green", finished_style="dim green")
        self.progress.columns = (TextColumn("{task.description}"), bar, MofNCompleteColumn(), Clock())
        settings = self.common_settings
        self.event_handler = Events(
            self.console,
            self.progress,
            self.live_display,
            settings.dryrun,
            settings.printshellcmds,
            verbose=settings.verbose,
        )
        self.terminal = None
        if self.console.is_terminal:
            self.live_display.refresh_per_second = REFRESHED
            self.terminal = collect(self.console)
        else:
            self.live_display.start = lambda: None  # it would draw, unseen, all along

    def close(self) -> None:
        """Remove the bars, once, and give the terminal back. Where there are no bars the rich plugin prints empty lines."""
        if self.terminal is None:
            logging.Handler.close(self)
            return
        super().close()
        os.dup2(self.terminal, 2)
        os.close(self.terminal)
        self.terminal = None


def collect(console: Console) -> int:
    """Have the console print what jobs write to the standard error, line by line; the number of the terminal's own file.

    A job that writes to the terminal itself would write across the bars.
    """
    reader, writer = os.pipe()
    terminal = os.dup(2)
    os.dup2(writer, 2)
    os.close(writer)
    console.file = os.fdopen(os.dup(terminal), "w", buffering=1)

    def copy() -> None:
        with os.fdopen(reader, errors="replace") as stream:
            for line in stream:
                console.print(Text(line.rstrip()), soft_wrap=True)

    threading.Thread(target=copy, daemon=True).start()
    return terminal
