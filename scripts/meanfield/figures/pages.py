"""
Pages that work offline from disk, each one self-contained file: sortable tables, and a player for a video.

They are small, since Snakemake's report shows them as data addresses, which Chromium refuses beyond 2 MiB. No page is wider
than the window: a table or picture that needs more scrolls in a box of its own.
"""

import base64
import re
import struct
from collections.abc import Sequence
from html import escape
from itertools import takewhile
from pathlib import Path

import pandas as pd

from meanfield.data.description import RUN
from meanfield.data.storage import STAND_IN
from meanfield.figures import MARK_COLOUR

STYLE = """
body { font: 16px/1.45 system-ui, sans-serif; color: #222; background: white; margin: 0; }
main { max-width: 1400px; margin: auto; padding: 0 16px 16px; }
h1 { font-size: 24px; margin: 12px 0 4px; }
h2 { font-size: 20px; margin: 20px 0 4px; }
p { max-width: 75em; margin: 4px 0; }
"""
"""What all pages look like, the explorer included."""
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
<main>
{content}
</main>
</html>
"""
TABLES = (
    f"tr:has(.mark) {{ color: {MARK_COLOUR}; }}"
    """
.scroll { overflow: auto; max-height: calc(100dvh - 110px); margin-top: 8px; position: relative; }
table { border-collapse: separate; border-spacing: 0; font-size: 14px; font-variant-numeric: tabular-nums; }
thead { position: sticky; top: 0; z-index: 2; }
th { background: white; vertical-align: bottom; text-align: left; padding: 3px 6px; }
td { background: white; padding: 3px 6px; border-top: 1px solid #ddd; white-space: nowrap; vertical-align: top; }
th button { font: inherit; color: inherit; border: 0; padding: 0; background: none; cursor: pointer; text-align: inherit; }
th[aria-sort=ascending] button::after { content: " ▲"; }
th[aria-sort=descending] button::after { content: " ▼"; }
@media (max-width: 600px) { th, td { padding: 3px 5px; } }
"""
)
SORTING = """<script>
const numbers = new Intl.Collator(undefined, {numeric: true});
document.querySelectorAll("table.sortable").forEach(table => table.querySelectorAll("th").forEach((head, column, heads) => {
  const button = document.createElement("button");
  button.append(...head.childNodes);
  head.append(button);
  head.onclick = () => {
    const up = head.getAttribute("aria-sort") === "ascending" ? -1 : 1, body = table.tBodies[0];
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up === 1 ? "ascending" : "descending");
    const key = row => row.cells[column].textContent;
    const compare = (a, b) => isNaN(a) || isNaN(b) ? numbers.compare(a, b) : a - b;
    body.append(...[...body.rows].sort((a, b) => up * compare(key(a), key(b))));
  };
}));
// The first columns, which name the run, stay in sight, as many of them as leave room for others.
const frozen = document.head.appendChild(document.createElement("style"));
function freeze() {
  frozen.textContent = "";
  frozen.textContent = [...document.querySelectorAll(".scroll > table")].map((table, number) => {
    table.dataset.number = number;
    const room = 0.65 * table.parentElement.clientWidth, heads = [...table.querySelectorAll("th")];
    const naming = heads.slice(0, table.dataset.frozen).filter(head => head.offsetLeft + head.offsetWidth <= room);
    return naming.map(head => `[data-number="${number}"] :is(td, th):nth-child(${head.cellIndex + 1})
      { position: sticky; left: ${head.offsetLeft}px; z-index: 1 }`).join("\\n");
  }).join("\\n");
}
freeze();
addEventListener("resize", freeze);
</script>"""
VIDEO = """
main { max-width: none; padding: 0; }
.scroll { overflow-x: auto; }
video { display: block; margin: auto; width: max(960px, min(100vw, (100dvh - 62px) * var(--ratio))); }
.controls { position: sticky; bottom: 0; display: flex; gap: 12px; align-items: center; padding: 8px 16px;
  background: white; border-top: 1px solid #ddd; }
button { font: inherit; width: 110px; min-height: 44px; }
input { flex: 1; min-width: 0; }
"""
PLAYER = """<div class="scroll" tabindex="0" role="region" aria-label="{title}">
<video controls playsinline style="--ratio: {ratio:.4f}" poster="data:image/png;base64,{poster}"
 src="data:video/mp4;base64,{video}"></video></div>
<div class="controls" hidden><button>▶ Play</button>
<input type="range" min="0" max="1" step="any" value="0" aria-label="place in the video"></div>
<script>
// Controls below the picture, where a browser's own would cover it.
const [video, controls, button, place] = ["video", ".controls", "button", "input"].map(name => document.querySelector(name));
[video.controls, controls.hidden] = [false, false];
button.onclick = () => video.paused ? video.play() : video.pause();
for (const event of ["play", "pause", "ended"]) {{
  video.addEventListener(event, () => button.textContent = video.paused ? "▶ Play" : "⏸ Pause");
}}
video.ontimeupdate = () => place.value = video.currentTime / video.duration;
place.oninput = () => video.currentTime = place.value * video.duration;
</script>"""  # 960 pixels: in less its letters are lower than 11 (`video.SIZE`); a phone scrolls sideways
HEADS = {"architecture": "archi\u00adtecture", "accuracy": "acc.", "alpha": "α", "gamma": "γ", "lambda": "λ"}
"""Words of a column's name as its head has them, narrow; the first may break."""
LONG = 40  # letters; a column of longer ones is broken into lines


def page(title: str, content: str, style: str = "") -> str:
    """A page in the common style; the content is HTML, the style is added to it."""
    return PAGE.format(title=escape(title), content=content, style=STYLE + style)


def scrolling(table: str, label: str) -> str:
    """A table in a box that scrolls, with the keyboard, too; the label names it to those who hear the page."""
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}">\n{table}\n</div>'


def tabulated(table: pd.DataFrame, label: str) -> str:
    """
    The table as HTML, to be sorted by a click on a column's head on a page with `SORTING` and `TABLES`.

    Numbers have four digits and are aligned right; the columns that name a run come first and stay in sight, or else the
    first; lines of stand-in data are red.
    """
    heads = [" ".join(HEADS.get(word, word) for word in name.split("_")) for name in table]
    html = table.set_axis(heads, axis=1).to_html(
        index=False, border=0, na_rep="", float_format="{:.4g}".format, classes="sortable"
    )
    html = html.replace(f"<td>{STAND_IN}</td>", f'<td class="mark">{STAND_IN}</td>')
    frozen = len(list(takewhile(lambda name: name in (*RUN, "seed"), table))) or 1
    identifier = re.sub(r"\W+", "-", label.lower())
    numeric = [pd.api.types.is_numeric_dtype(table[name]) for name in table]
    wordy = [
        not number and table[name].astype(str).str.len().max() > LONG for name, number in zip(table, numeric, strict=True)
    ]
    looks = _columns(identifier, numeric, "text-align: right") + _columns(
        identifier, wordy, "white-space: normal; min-width: 30em"
    )
    head = f'<table id="{identifier}" data-frozen="{frozen}" '
    return looks + scrolling(html.replace("<table ", head, 1), label)


def _columns(identifier: str, chosen: Sequence[bool], look: str) -> str:
    """The style of some columns of a table; HTML has no other way that does not repeat it in every cell."""
    cells = ", ".join(f"#{identifier} :is(td, th):nth-child({n})" for n, yes in enumerate(chosen, start=1) if yes)
    return f"<style>{cells} {{ {look} }}</style>\n" if cells else ""


def sortable(table: pd.DataFrame, title: str, note: str = "") -> str:
    """A page with one such table, and a note on it."""
    content = f"<h1>{escape(title)}</h1>\n" + (f"<p>{escape(note)}</p>\n" if note else "")
    return page(title, content + tabulated(table, title) + SORTING, TABLES)


def player(video: str | Path, poster: str | Path, title: str) -> str:
    """A page that holds an MP4 video and plays it; until then it shows the poster, a PNG picture of the same size."""
    film, picture = (Path(path).read_bytes() for path in (video, poster))
    width, height = struct.unpack(">II", picture[16:24])  # where a PNG file has them
    film, picture = (base64.b64encode(content).decode() for content in (film, picture))
    return page(title, PLAYER.format(title=escape(title), ratio=width / height, video=film, poster=picture), VIDEO)


def repeatable(html: str) -> str:
    """The page with Bokeh's random and running identifiers replaced by their order of appearance."""
    order: dict[str, str] = {}
    pattern = r'[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|(?<=")p[0-9]{4,}(?=")'
    return re.sub(pattern, lambda found: order.setdefault(found[0], f"id-{len(order)}"), html)
