"""The report of a calibration as one HTML or PDF file, with pictures."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from depthstudio.calibration.facts import RectifiedFacts, report_facts
from depthstudio.calibration.report_summary import TONES, summary_pages
from depthstudio.calibration.solution import CalibrationSolution, CameraReport
from depthstudio.errors import CalibrationError
from depthstudio.frames import Image
from depthstudio.geometry import Rectifier
from depthstudio.geometry.measuring import MATCHING_ERROR_PX
from depthstudio.storage import atomic_path, write_text

_LEFT, _RIGHT, _DROPPED = "#5b7a99", "#0f9b8e", "#c8ccd0"
_VECTORS_SHOWN = 1500
_LINES_SHOWN = 14
_STYLE = """body{font:15px/1.45 system-ui,sans-serif;max-width:980px;margin:32px auto;padding:0 16px;color:#1c2226}
h1{font-size:24px;margin:0}h2{font-size:17px;margin:28px 0 8px}table{border-collapse:collapse;width:100%}
td{padding:4px 12px 4px 0;border-bottom:1px solid #e4e7ea;vertical-align:top}td:nth-child(2){white-space:nowrap;
font-variant-numeric:tabular-nums}td:nth-child(3){color:#5c666e}
img{max-width:100%}li{margin:4px 0}.faint{color:#5c666e}"""


def save_report(
    solution: CalibrationSolution, path: Path, name: str = "", images: tuple[Image, Image] | None = None
) -> None:
    """Write the report; the suffix .html or .pdf says which. Atomic.

    images: a raw pair to be shown rectified with lines along its rows. CalibrationError for another suffix.
    """
    check_report_name(path)
    title = name or path.stem
    if path.suffix.lower() == ".pdf":
        with atomic_path(path) as temporary, PdfPages(temporary) as pages:
            for page in summary_pages(solution, title):
                pages.savefig(page)
            for _, figure in _pictures(solution, images):
                pages.savefig(figure)
    else:
        write_text(path, _html(solution, title, images))


def check_report_name(path: Path) -> None:
    """CalibrationError when `save_report` does not know this kind of file. For before the work."""
    if path.suffix.lower() not in (".pdf", ".html", ".htm"):
        raise CalibrationError(f"A report cannot be written as {path.name}.", "", "Name it .html or .pdf.")


def _html(solution: CalibrationSolution, title: str, images: tuple[Image, Image] | None) -> str:
    facts = RectifiedFacts.of(Rectifier(solution.calibration))
    rows = "".join(
        f"<tr><td>{html.escape(fact.name)}</td><td>{html.escape(fact.value)}</td><td>{html.escape(fact.note)}</td></tr>"
        for fact in report_facts(solution, facts)
    )
    warnings = "".join(f"<li>{html.escape(line)}</li>" for line in solution.warnings)
    pictures = "".join(
        f'<h2>{html.escape(heading)}</h2><img alt="{html.escape(heading)}" src="data:image/png;base64,{_png(figure)}">'
        for heading, figure in _pictures(solution, images)
    )
    c = solution.calibration
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Calibration {html.escape(title)}</title>'
        f"<style>{_STYLE}</style><p class=faint>Stereo calibration {html.escape(title)}, {c.date}, id {c.id}</p>"
        f'<h1 style="color:{TONES[solution.quality]}">{html.escape(solution.verdict)}</h1>'
        + (f"<h2>What to know</h2><ul>{warnings}</ul>" if warnings else "")
        + f"<h2>Numbers</h2><table>{rows}</table><h2>Depth</h2><table>{_depth_rows(solution, facts)}</table>"
        + f"{pictures}</html>"
    )


def _depth_rows(solution: CalibrationSolution, facts: RectifiedFacts) -> str:
    return "".join(
        f"<tr><td>at {z:g} m</td><td>± {mm:.2g} mm</td>"
        f"<td>from the calibration; a matching error of {MATCHING_ERROR_PX:g} px means "
        f"{facts.depth_step_mm[z]:.2g} mm</td></tr>"
        for z, mm in solution.uncertainty.depth_mm.items()
    )


def _pictures(solution: CalibrationSolution, images: tuple[Image, Image] | None) -> Iterator[tuple[str, Figure]]:
    yield "Error of each view", _view_bars(solution)
    yield "Residuals", _residuals(solution)
    yield "Where the board was seen", _coverage(solution)
    if images is not None:
        yield "Rectified pair", rectified_picture(Rectifier(solution.calibration), *images)


def _view_bars(solution: CalibrationSolution) -> Figure:
    figure, axes = _figure(3.0)
    views, at = solution.views, np.arange(len(solution.views))
    for shift, color, name, values in (
        (-0.2, _LEFT, "left", [view.left_error_px for view in views]),
        (0.2, _RIGHT, "right", [view.right_error_px for view in views]),
    ):
        colors = [color if view.used else _DROPPED for view in views]
        axes.bar(at + shift, values, 0.4, color=colors, label=name)
    axes.set_xticks(at, [view.name for view in views], rotation=90 if len(views) > 20 else 0, fontsize=8)
    axes.set_ylabel("RMS error, px")
    axes.legend(frameon=False, fontsize=8, ncols=2)
    if any(not view.used for view in views):
        axes.set_xlabel("view (grey: left out)")
    return figure


def _residuals(solution: CalibrationSolution) -> Figure:
    figure = Figure(figsize=(8.27, 3.6), layout="constrained")
    pair = figure.subplots(1, 2)
    for axes, camera, name, color in zip(pair, solution.cameras, ("left", "right"), (_LEFT, _RIGHT), strict=True):
        draw_residuals(axes, camera, color)
        axes.set_title(name, fontsize=9)
    return figure


def draw_residuals(axes: Axes, camera: CameraReport, color: str) -> None:
    """Arrows from seen to predicted corners, enlarged so that a typical one can be seen."""
    keep = np.linspace(0, len(camera.corners) - 1, min(len(camera.corners), _VECTORS_SHOWN)).astype(int)
    at, by = camera.corners[keep], camera.residuals[keep]
    typical = float(np.median(np.linalg.norm(by, axis=1))) or 1.0
    enlarged = camera.image_size[0] / 50 / typical
    axes.quiver(*at.T, *by.T, angles="xy", scale_units="xy", scale=1 / enlarged, width=0.002, color=color)
    axes.set(xlim=(0, camera.image_size[0]), ylim=(camera.image_size[1], 0), aspect="equal")
    axes.set_xlabel(f"median {typical:.2f} px, drawn {enlarged:.0f} times larger", fontsize=8)
    axes.tick_params(labelsize=7)


def _coverage(solution: CalibrationSolution) -> Figure:
    figure = Figure(figsize=(8.27, 3.4), layout="constrained")
    for axes, camera, name in zip(figure.subplots(1, 2), solution.cameras, ("left", "right"), strict=True):
        width, height = camera.image_size
        axes.imshow(camera.counts, cmap="viridis", extent=(0, width, height, 0), vmin=0)
        axes.set_title(f"{name}: {camera.coverage:.0%} covered (views per cell)", fontsize=9)
        rows, columns = camera.counts.shape
        for (row, column), count in np.ndenumerate(camera.counts):
            place = (column + 0.5) * width / columns, (row + 0.5) * height / rows
            ink = "black" if count > 0.6 * camera.counts.max() else "white"
            axes.text(*place, str(count), ha="center", va="center", fontsize=6, color=ink)
        axes.tick_params(labelsize=7)
    return figure


def rectified_picture(rectifier: Rectifier, left: Image, right: Image) -> Figure:
    """A raw pair rectified side by side, with lines along the rows."""
    figure = Figure(figsize=(8.27, 3.4), layout="constrained")
    axes = figure.subplots()
    pair = np.hstack([_rgb(rectifier.rectify_left(left)), _rgb(rectifier.rectify_right(right))])
    axes.imshow(pair)
    for row in np.linspace(0, pair.shape[0], _LINES_SHOWN + 2)[1:-1]:
        axes.axhline(row, color="#00e5c0", linewidth=0.6)
    axes.axis("off")
    return figure


def _rgb(image: Image) -> Image:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB), np.uint8) if image.ndim == 2 else image


def _figure(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(8.27, height), layout="constrained")
    axes = figure.subplots()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def _png(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.set_dpi(130)
    FigureCanvasAgg(figure).print_png(buffer)
    return base64.b64encode(buffer.getvalue()).decode()
