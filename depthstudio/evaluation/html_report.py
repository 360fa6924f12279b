"""An evaluation as one HTML file: comparison, distances, worst frames and pictures, all inside the file."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import isfinite

import cv2
import numpy as np

from depthstudio import __version__
from depthstudio.evaluation.error_map import ERROR_STEPS, FramePictures, disparity_colours
from depthstudio.evaluation.evaluate import Evaluation
from depthstudio.evaluation.metrics import DisparityMetrics
from depthstudio.frames import Image

_WORST_LISTED = 20
_PICTURE_WIDTH_PX = 480
_JPEG_QUALITY = 88
# title, field, factor, digits; a smaller number is better except for density
COLUMNS: tuple[tuple[str, str, float, int], ...] = (
    ("EPE px", "epe_px", 1, 3),
    ("bad-0.5 %", "bad_05", 100, 1),
    ("bad-1 %", "bad_1", 100, 1),
    ("bad-2 %", "bad_2", 100, 1),
    ("bad-3 %", "bad_3", 100, 1),
    ("D1 %", "d1", 100, 1),
    ("RMSE px", "rmse_px", 1, 3),
    ("AbsRel %", "abs_rel", 100, 2),
    ("density %", "density", 100, 1),
)
_STYLE = """
:root { color-scheme: light dark; --line: #d9dde2; --muted: #59636f; --best: #0c7f76; --card: #f4f5f7; }
@media (prefers-color-scheme: dark) { :root { --line: #30353c; --muted: #a0a8b3; --best: #35b5a6; --card: #1b1e22; } }
body { font: 14px/1.45 system-ui, sans-serif; max-width: 1160px; margin: 32px auto; padding: 0 24px; }
h1 { font-size: 22px; margin: 0 0 4px; }
h2 { font-size: 16px; margin: 32px 0 8px; }
h3 { font-size: 14px; margin: 20px 0 6px; }
p, figcaption { color: var(--muted); margin: 4px 0 8px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 5px 10px; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--muted); font-weight: 600; } th:first-child, td:first-child { text-align: left; white-space: normal; }
.best { color: var(--best); font-weight: 700; }
.pictures { display: grid; grid-template-columns: repeat(4, 1fr); gap: 8px; } figure { margin: 0; }
img { width: 100%; border-radius: 4px; display: block; background: var(--card); }
.key { display: inline-flex; gap: 0; vertical-align: middle; }
.key span { width: 44px; text-align: center; font-size: 11px; color: #111; padding: 2px 0; }
.scroll { overflow-x: auto; }
"""


@dataclass(frozen=True, eq=False)
class ReportPictures:
    """One frame of one method, to be shown."""

    method: str
    frame: str
    epe_px: float
    pictures: FramePictures


def html_report(evaluations: Sequence[Evaluation], pictures: Sequence[ReportPictures] = ()) -> str:
    """The whole page as text."""
    first = evaluations[0]
    low, high = first.truth_px
    searched = f", true disparity {low:.1f} to {high:.1f} px" if isfinite(low) else ""
    parts = [
        f"<h1>{escape(first.data)}</h1>",
        f"<p>{len(first.frames)} frames{searched}. {escape(first.measured.conventions)}</p>",
        *(f"<p><b>{escape(words)}</b></p>" for words in (e.cut_short for e in evaluations) if words),
        "<h2>Comparison</h2>",
        comparison_table([(e.method, e.mean, e.inference_ms) for e in evaluations]),
        "<h2>By distance</h2>",
        *(_bands(evaluation) for evaluation in evaluations),
        "<h2>Worst frames first</h2>",
        *(_worst(evaluation) for evaluation in evaluations),
        *_gallery(pictures),
        f"<p>DepthStudio {__version__}</p>",
    ]
    title = f"{escape(first.data)}: {', '.join(escape(e.method) for e in evaluations)}"
    body = "\n".join(part for part in parts if part)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body>\n{body}\n</body></html>\n"
    )


def number(value: float, factor: float, digits: int) -> str:
    """As shown in tables; a dash where nothing could be measured."""
    return f"{value * factor:.{digits}f}" if isfinite(value) else "–"


def comparison_table(rows: Sequence[tuple[str, DisparityMetrics, float]]) -> str:
    """(method, metrics, ms) as an HTML table with the best of each column marked."""
    lines = []
    for name, metrics, ms in rows:
        cells = []
        for _, key, factor, digits in COLUMNS:
            value = getattr(metrics, key)
            marked = len(rows) > 1 and isfinite(value) and value == _best(key, [row[1] for row in rows])
            cells.append(_cell(number(value, factor, digits), "best" if marked else ""))
        lines.append(f"<tr><td>{escape(name)}</td>{''.join(cells)}{_cell(number(ms, 1, 0))}</tr>")
    return _table(["", *(title for title, *_ in COLUMNS), "ms"], lines)


def _best(key: str, metrics: Sequence[DisparityMetrics]) -> float:
    values = [value for one in metrics if isfinite(value := getattr(one, key))]
    return max(values) if key == "density" else min(values)


def _bands(evaluation: Evaluation) -> str:
    if not evaluation.bands:
        return ""
    lines = []
    for band in evaluation.bands:
        cells = [_cell(number(getattr(band.metrics, key), factor, digits)) for _, key, factor, digits in COLUMNS]
        cells.append(_cell(number(band.depth_error_m, 1000, 1)))
        lines.append(f"<tr><td>{escape(band.title)}</td>{''.join(cells)}{_cell(f'{band.metrics.pixels:,}')}</tr>")
    headings = ["true distance", *(title for title, *_ in COLUMNS), "depth error mm", "px"]
    return f"<h3>{escape(evaluation.method)}</h3>" + _table(headings, lines)


def _worst(evaluation: Evaluation) -> str:
    listed = evaluation.worst_first[:_WORST_LISTED]
    lines = []
    for frame in listed:
        cells = [_cell(number(getattr(frame.metrics, key), factor, digits)) for _, key, factor, digits in COLUMNS]
        where = escape(frame.name if frame.group in frame.name else f"{frame.group} / {frame.name}")
        lines.append(f"<tr><td>{where}</td>{''.join(cells)}{_cell(number(frame.inference_ms, 1, 0))}</tr>")
    left_out = len(evaluation.frames) - len(listed)
    rest = f"<p>{left_out} better frames are in frames.csv.</p>" if left_out else ""
    headings = ["frame", *(title for title, *_ in COLUMNS), "ms"]
    return f"<h3>{escape(evaluation.method)}</h3>" + _table(headings, lines) + rest


def _gallery(shown: Sequence[ReportPictures]) -> Iterable[str]:
    if not shown:
        return
    yield "<h2>Pictures</h2>"
    yield f"<p>Error in units of max(3 px, 5 % of the truth): {_key()} Dark grey: no truth or no prediction.</p>"
    for each in shown:
        p = each.pictures
        low, high = p.limits_px
        figures = (
            (p.left, "left image"),
            (disparity_colours(p.truth_px, p.limits_px), f"truth, {low:.1f} to {high:.1f} px"),
            (disparity_colours(p.predicted_px, p.limits_px), f"{each.method}, same colours"),
            (p.error_colours, f"error, EPE {number(each.epe_px, 1, 2)} px"),
        )
        yield f"<h3>{escape(each.frame)}</h3>"
        yield '<div class="pictures">' + "".join(_figure(*figure) for figure in figures) + "</div>"


def _key() -> str:
    steps = (
        f'<span style="background:rgb{colour}">{f"{edge:g}" if isfinite(edge) else "more"}</span>'
        for edge, colour in ERROR_STEPS
    )
    return f'<span class="key">{"".join(steps)}</span>'


def _figure(image: Image, caption: str) -> str:
    height = round(image.shape[0] * _PICTURE_WIDTH_PX / image.shape[1])
    smaller = image.shape[1] > _PICTURE_WIDTH_PX
    shown = cv2.resize(image, (_PICTURE_WIDTH_PX, height), interpolation=cv2.INTER_AREA) if smaller else image
    bgr = np.ascontiguousarray(np.asarray(shown, np.uint8)[:, :, ::-1])
    done, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not done:
        raise OSError("A picture cannot be encoded.")
    data = base64.b64encode(encoded.tobytes()).decode()
    name = escape(caption)
    return f'<figure><img src="data:image/jpeg;base64,{data}" alt="{name}"><figcaption>{name}</figcaption></figure>'


def _table(headings: Sequence[str], lines: Sequence[str]) -> str:
    head = "".join(f"<th>{escape(title)}</th>" for title in headings)
    return f'<div class="scroll"><table><tr>{head}</tr>{"".join(lines)}</table></div>'


def _cell(text: str, kind: str = "") -> str:
    return f'<td class="{kind}">{text}</td>' if kind else f"<td>{text}</td>"
