"""Pages that work offline from disk, each one self-contained file: sortable tables, and a player for a video."""

import base64
import re
from pathlib import Path

import pandas as pd
from bokeh.embed import file_html
from bokeh.models import ColumnDataSource, DataTable, NumberFormatter, ScientificFormatter, StringFormatter, TableColumn
from bokeh.resources import INLINE

IDENTIFIER = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
PLAYER = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>body {{ margin: 0; background: white }} video {{ display: block; width: 100%; max-height: 100vh }}</style>
<video controls playsinline aria-label="{title}" src="data:video/mp4;base64,{video}"></video>
</html>
"""


def repeatable(html: str) -> str:
    """The page with Bokeh's random identifiers replaced by numbered ones: the same content gives the same bytes."""
    found = dict.fromkeys(IDENTIFIER.findall(html))
    numbered = {name: f"00000000-0000-4000-8000-{number:012d}" for number, name in enumerate(found)}
    return IDENTIFIER.sub(lambda match: numbered[match[0]], html)


def sortable(table: pd.DataFrame, title: str) -> str:
    """A table that sorts by a click on a column's head; floating-point numbers with four digits."""
    columns = []
    for name in table:
        kind = table[name].dtype.kind
        formatter = {"f": ScientificFormatter(precision=3, power_limit_low=-3), "i": NumberFormatter()}.get(
            kind, StringFormatter()
        )
        columns.append(TableColumn(field=name, title=name.replace("_", " "), formatter=formatter, width=110))
    grid = DataTable(
        source=ColumnDataSource(table), columns=columns, index_position=None, reorderable=False, autosize_mode="none",
        sizing_mode="stretch_both", min_height=400, row_height=24,
    )  # fmt: skip
    return repeatable(file_html(grid, INLINE, title, suppress_callback_warning=True))


def player(video: str | Path, title: str) -> str:
    """A page that holds an MP4 video and plays it."""
    return PLAYER.format(title=title, video=base64.b64encode(Path(video).read_bytes()).decode())
