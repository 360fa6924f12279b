"""Evaluations as files: everything as JSON, methods and frames as tables, and a page to look at."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from depthstudio.evaluation.evaluate import Evaluation
from depthstudio.evaluation.html_report import ReportPictures, html_report
from depthstudio.evaluation.metrics import DisparityMetrics
from depthstudio.storage import write_text

_METRICS = tuple(field.name for field in fields(DisparityMetrics))


def write_report(
    folder: Path, evaluations: Sequence[Evaluation], pictures: Sequence[ReportPictures] = ()
) -> tuple[Path, Path]:
    """Write evaluation.json, frames.csv (a line per method and frame, worst first), methods.csv and report.html.

    pictures: frames to show in the page. Returns the paths of the JSON and of the frames' table.
    """
    as_json, as_table = folder / "evaluation.json", folder / "frames.csv"
    write_text(as_json, json.dumps([evaluation.to_json() for evaluation in evaluations], indent=1))
    frames: list[list[Any]] = [["method", "frame", "group", "truth", "inference_ms", *_METRICS]]
    methods: list[list[Any]] = [["method", "average", "band", "inference_ms", "depth_error_m", *_METRICS]]
    for evaluation in evaluations:
        for frame in evaluation.worst_first:
            numbers = asdict(frame.metrics).values()
            frames.append([evaluation.method, frame.name, frame.group, frame.truth, frame.inference_ms, *numbers])
        for average in ("per_image", "per_pixel"):
            numbers = asdict(getattr(evaluation, average)).values()
            methods.append([evaluation.method, average, "all", evaluation.inference_ms, "", *numbers])
        for band in evaluation.bands:
            numbers = asdict(band.metrics).values()
            chosen = evaluation.measured.average
            methods.append([evaluation.method, chosen, band.title, "", band.depth_error_m, *numbers])
    write_text(as_table, _csv(frames))
    write_text(folder / "methods.csv", _csv(methods))
    write_text(folder / "report.html", html_report(evaluations, pictures))
    return as_json, as_table


def _csv(rows: Sequence[Sequence[Any]]) -> str:
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows(rows)
    return table.getvalue()
