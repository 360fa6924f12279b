"""Evaluations as files: everything as JSON, the frames as a table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from depthstudio.evaluation.evaluate import Evaluation
from depthstudio.evaluation.metrics import DisparityMetrics
from depthstudio.storage import write_text


def write_report(folder: Path, evaluations: Sequence[Evaluation]) -> tuple[Path, Path]:
    """Write `evaluation.json` and `frames.csv` (a line per method and frame); returns both paths."""
    as_json, as_table = folder / "evaluation.json", folder / "frames.csv"
    write_text(as_json, json.dumps([evaluation.to_json() for evaluation in evaluations], indent=1))
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(
        ["method", "frame", "group", "truth", "inference_ms", *(field.name for field in fields(DisparityMetrics))]
    )
    for evaluation in evaluations:
        for frame in evaluation.frames:
            numbers = asdict(frame.metrics).values()
            writer.writerow([evaluation.method, frame.name, frame.group, frame.truth, frame.inference_ms, *numbers])
    write_text(as_table, table.getvalue())
    return as_json, as_table
