"""The demonstration's report folder: numbers as JSON, plots and one telling picture as PNG."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from depthstudio.demo.story import DemoResult
from depthstudio.storage import atomic_path, write_text
from depthstudio.training.events import to_json

_TRAIN, _VALIDATION = "#5b7a99", "#0f9b8e"
_ERROR_LIMIT_PX = 5.0


def write_demo_report(result: DemoResult, folder: Path) -> list[Path]:
    """Write report.json, calibration.png, training.png and disparity.png; returns the paths."""
    written = [folder / "report.json"]
    write_text(written[0], json.dumps(as_json(result), indent=1))
    for name, figure in (
        ("calibration", _calibration(result)),
        ("training", _training(result)),
        ("disparity", _disparity(result)),
    ):
        path = folder / f"{name}.png"
        with atomic_path(path) as temporary:
            FigureCanvasAgg(figure).print_png(str(temporary))
        written.append(path)
    return written


def as_json(result: DemoResult) -> dict[str, Any]:
    """Every figure of the demonstration, JSON-able; null where nothing could be measured."""
    calibration, exact = result.solution.calibration, result.exact
    return {
        "seconds": round(result.seconds, 1),
        "calibration": {
            "views": len(result.solution.views),
            "stereo_rms_px": result.solution.rms_px,
            "vertical_error_px": result.solution.vertical_error_px,
            "baseline_mm": calibration.baseline_m * 1000,
            "exact_baseline_mm": exact.baseline_m * 1000,
            "left_focal_px": float(calibration.K1[0, 0]),
            "exact_left_focal_px": float(exact.K1[0, 0]),
        },
        "run": str(result.run.folder),
        "epochs": [to_json(epoch) for epoch in result.run.epochs()],
        "before": result.before.to_json(),
        "after": result.after.to_json(),
        "live": asdict(result.live),
    }


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), dpi=110, layout="constrained", facecolor="white")


def _calibration(result: DemoResult) -> Figure:
    figure = _figure(9, 3.2)
    axes = figure.subplots()
    views = result.solution.views
    colors = [_VALIDATION if view.used else "#c0392b" for view in views]
    axes.bar([view.name for view in views], [view.error_px for view in views], color=colors)
    axes.set(xlabel="view", ylabel="RMS reprojection error, px", title=result.solution.verdict)
    axes.axhline(result.solution.rms_px, color="#444", linewidth=1, linestyle="--")
    return figure


def _training(result: DemoResult) -> Figure:
    figure = _figure(9, 3.4)
    loss, epe = figure.subplots(1, 2)
    epochs = result.run.epochs()
    numbers = [epoch.epoch for epoch in epochs]
    loss.plot(numbers, [epoch.train_loss for epoch in epochs], color=_TRAIN, marker="o", label="training")
    loss.plot(numbers, [epoch.validation_loss for epoch in epochs], color=_VALIDATION, marker="o", label="validation")
    loss.set(xlabel="epoch", ylabel="loss", title="Loss per valid pixel")
    epe.plot(numbers, [epoch.train_epe_px for epoch in epochs], color=_TRAIN, marker="o", label="training")
    epe.plot(numbers, [epoch.validation_epe_px for epoch in epochs], color=_VALIDATION, marker="o", label="validation")
    epe.set(xlabel="epoch", ylabel="EPE, px", title="EPE against the camera's labels")
    for axes in (loss, epe):
        axes.legend()
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
    return figure


def _disparity(result: DemoResult) -> Figure:
    figure = _figure(13, 6)
    picture = result.picture
    top, bottom = figure.subplots(2, 3)
    low, high = (float(value) for value in np.nanpercentile(picture.truth, [1, 99]))
    top[0].imshow(picture.left)
    top[0].set_title("left image")
    for axes, disparity, name in (
        (bottom[0], picture.truth, "exact disparity"),
        (top[1], picture.before, "before fine-tuning"),
        (top[2], picture.after, "after fine-tuning"),
    ):
        shown = axes.imshow(disparity, cmap="turbo", vmin=low, vmax=high)
        axes.set_title(name)
    figure.colorbar(shown, ax=top[2], label="disparity, px")
    for axes, disparity in ((bottom[1], picture.before), (bottom[2], picture.after)):
        error = np.abs(disparity - picture.truth)
        shown = axes.imshow(error, cmap="magma", vmin=0, vmax=_ERROR_LIMIT_PX)
        axes.set_title(f"error, mean {np.nanmean(error):.2f} px")
    figure.colorbar(shown, ax=bottom[2], label="error, px")
    for axes in (*top, *bottom):
        axes.set_axis_off()
    return figure
