"""
Pages that work offline from disk, each one self-contained file: sortable tables, and a player for a video.

They are small, since Snakemake's report shows them as data addresses, which Chromium refuses beyond 2 MiB.
"""

import base64
from pathlib import Path

import pandas as pd

from meanfield.data.storage import STAND_IN
from meanfield.figures import MARK_COLOUR

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
{content}
</html>
"""
TABLE = """<style>
body {{ font: 14px sans-serif; margin: 12px }}
table {{ border-collapse: collapse; white-space: nowrap }}
th {{ position: sticky; top: 0; background: white; vertical-align: bottom }}
th button {{ font: inherit; font-weight: bold; border: 0; background: none; cursor: pointer; text-align: left }}
th[aria-sort=ascending] button::after {{ content: " ▲" }}
th[aria-sort=descending] button::after {{ content: " ▼" }}
td {{ padding: 3px 8px; border-top: 1px solid #ddd; background: white }}
:is(td, th):nth-child(-n+3) {{ position: sticky; z-index: 1 }}
th:nth-child(-n+3) {{ z-index: 2 }}
tr:has(.mark) {{ color: {colour} }}
</style>
<h1>{title}</h1>
{table}
<script>
const numbers = new Intl.Collator(undefined, {{numeric: true}});
document.querySelectorAll("th").forEach((head, column) => {{
  head.innerHTML = `<button>${{head.textContent}}</button>`;
  // the first columns, which name the run, stay in sight
  const left = `${{head.offsetLeft}}px`, cells = document.querySelectorAll(`:is(td, th):nth-child(${{column + 1}})`);
  if (column < 3) cells.forEach(cell => cell.style.left = left);
  head.onclick = () => {{
    const up = head.getAttribute("aria-sort") === "ascending" ? -1 : 1, body = document.querySelector("tbody");
    document.querySelectorAll("th").forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up === 1 ? "ascending" : "descending");
    const key = row => row.cells[column].textContent;
    const compare = (a, b) => isNaN(a) || isNaN(b) ? numbers.compare(a, b) : a - b;
    body.append(...[...body.rows].sort((a, b) => up * compare(key(a), key(b))));
  }};
}});
</script>"""
VIDEO = """<style>body {{ margin: 0; background: white }} video {{ display: block; width: 100%; max-height: 100vh }}</style>
<video controls playsinline aria-label="{title}" poster="data:image/png;base64,{poster}"
 src="data:video/mp4;base64,{video}"></video>"""


def sortable(table: pd.DataFrame, title: str) -> str:
    """A table that sorts by a click on a column's head; four digits; lines of stand-in data in red."""
    named = table.rename(columns=lambda name: name.replace("_", " "))
    html = named.to_html(index=False, border=0, na_rep="", float_format="{:.4g}".format)
    marked = html.replace(f"<td>{STAND_IN}</td>", f'<td class="mark">{STAND_IN}</td>')
    return PAGE.format(title=title, content=TABLE.format(title=title, table=marked, colour=MARK_COLOUR))


def player(video: str | Path, poster: str | Path, title: str) -> str:
    """A page that holds an MP4 video and plays it; until then it shows the poster."""
    video, poster = (base64.b64encode(Path(path).read_bytes()).decode() for path in (video, poster))
    return PAGE.format(title=title, content=VIDEO.format(title=title, video=video, poster=poster))
