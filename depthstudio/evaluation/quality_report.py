"""Depth quality at several distances, as a table and as curves: CSV and PDF."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from math import isfinite, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depthstudio.evaluation.depth_quality import DepthQuality
from depthstudio.storage import atomic_path, write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METHODS = {"network": "Network", "camera": "Camera", "sgbm": "SGBM"}
_COLOURS = {"network": "#0c7f76", "camera": "#b06a00", "sgbm": "#64798f"}
_A4_LANDSCAPE_IN = (11.69, 8.27)


@dataclass(frozen=True)
class QualityMetric:
    """How one number is shown: value * factor with that many digits and a unit. key: field of DepthQuality."""

    key: str
    title: str
    unit: str
    factor: float
    digits: int
    explanation: str

    def text(self, quality: DepthQuality | None) -> str:
        """The number without its unit; a dash when it is not known."""
        value = getattr(quality, self.key) if quality is not None else nan
        return f"{value * self.factor:z.{self.digits}f}" if isfinite(value) else "–"

    def value(self, quality: DepthQuality | None) -> float:
        """The number in its unit, NaN when it is not known."""
        return float(getattr(quality, self.key)) * self.factor if quality is not None else nan


TABLE = (
    QualityMetric("fill_rate", "Fill rate", "%", 100, 1, "Share of the region's pixels that have a depth."),
    QualityMetric("distance_m", "Distance", "m", 1, 3, "Where the fitted plane crosses the camera's axis."),
    QualityMetric("z_accuracy_mm", "Z accuracy", "mm", 1, 2, "Median signed error against the known distance."),
    QualityMetric("z_accuracy_share", "Z accuracy", "%", 100, 2, "The same as a share of the known distance."),
    QualityMetric("plane_rms_mm", "Plane fit RMS", "mm", 1, 2, "How far the points scatter around the fitted plane."),
    QualityMetric("plane_rms_share", "Plane fit RMS", "%", 100, 3, "The same as a share of the distance."),
    QualityMetric(
        "subpixel_rms_px", "Sub-pixel RMS", "px", 1, 3, "The scatter in px of disparity: comparable at any distance."
    ),
    QualityMetric(
        "temporal_noise_mm", "Temporal noise", "mm", 1, 2, "Standard deviation of a pixel's depth over time."
    ),
    QualityMetric("temporal_noise_share", "Temporal noise", "%", 100, 3, "The same as a share of the distance."),
    QualityMetric(
        "outlier_share", "Outliers", "%", 100, 2, "Pixels far off the plane: 5 deviations and 1 % of the distance."
    ),
    QualityMetric("tilt_deg", "Tilt", "°", 1, 2, "Angle between the camera's axis and the wall's normal."),
)


@dataclass(frozen=True)
class Station:
    """The quality at one place. quality: by method, see METHODS. known_distance_m: NaN when nobody measured it."""

    quality: Mapping[str, DepthQuality]
    known_distance_m: float
    source: str
    network: str
    measured: str

    @property
    def distance_m(self) -> float:
        """The known distance, else what the methods say on average."""
        if isfinite(self.known_distance_m):
            return self.known_distance_m
        said = [one.distance_m for one in self.quality.values() if isfinite(one.distance_m)]
        return sum(said) / len(said) if said else nan


def write_quality_csv(path: Path, stations: Sequence[Station]) -> None:
    """A line per station and method; empty where a number is not known."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [field.name for field in fields(DepthQuality)]
    writer.writerow(["measured", "source", "network", "known_distance_m", "method", *names])
    for station in stations:
        known = _blank(station.known_distance_m)
        for method, quality in station.quality.items():
            numbers = [_blank(getattr(quality, name)) for name in names]
            writer.writerow([station.measured, station.source, station.network, known, method, *numbers])
    write_text(path, text.getvalue())


def write_quality_pdf(path: Path, stations: Sequence[Station]) -> None:
    """A page of curves against distance, and a page with the table of every station."""
    from matplotlib.backends.backend_pdf import PdfPages

    ordered = sorted(stations, key=lambda station: station.distance_m)
    with atomic_path(path) as temporary, PdfPages(temporary, metadata={"Title": "Depth quality"}) as pdf:
        pdf.savefig(_curves(ordered))
        for station in ordered:
            pdf.savefig(_table(station))


def station_curve(stations: Sequence[Station], method: str, metric: QualityMetric) -> tuple[list[float], list[float]]:
    """Distances in m, rising, and the metric's values in its unit."""
    ordered = sorted((station for station in stations if method in station.quality), key=lambda one: one.distance_m)
    return [one.distance_m for one in ordered], [metric.value(one.quality[method]) for one in ordered]


def _curves(stations: Sequence[Station]) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=_A4_LANDSCAPE_IN, layout="constrained")
    networks = ", ".join(dict.fromkeys(station.network for station in stations))
    figure.suptitle(f"Depth quality: {networks}; {len(stations)} stations", fontsize=13)
    shown = ("fill_rate", "z_accuracy_share", "plane_rms_mm", "subpixel_rms_px", "temporal_noise_mm", "outlier_share")
    axes = figure.subplots(2, 3).flat
    for axis, key in zip(axes, shown, strict=True):
        metric = next(one for one in TABLE if one.key == key)
        for method, title in METHODS.items():
            x, y = station_curve(stations, method, metric)
            axis.plot(x, y, "o-", color=_COLOURS[method], label=title, linewidth=1.5, markersize=4)
        axis.set_title(f"{metric.title}, {metric.unit}", fontsize=10)
        axis.set_xlabel("distance, m", fontsize=9)
        axis.tick_params(labelsize=8)
        axis.grid(alpha=0.25)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(METHODS), fontsize=9)
    return figure


def _table(station: Station) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=_A4_LANDSCAPE_IN, layout="constrained")
    known = f"known distance {station.known_distance_m:.3f} m" if isfinite(station.known_distance_m) else "not measured"
    figure.suptitle(f"At {station.distance_m:.2f} m ({known}), {station.measured}", fontsize=13)
    axis = figure.subplots()
    axis.axis("off")
    methods = [method for method in METHODS if method in station.quality]
    cells = [[metric.text(station.quality[method]) for method in methods] for metric in TABLE]
    table = axis.table(
        cells,
        rowLabels=[f"{metric.title}, {metric.unit}" for metric in TABLE],
        colLabels=[METHODS[method] for method in methods],
        loc="center",
        cellLoc="right",
        colWidths=[0.2] * len(methods),
    )
    table.scale(1, 1.8)
    frames = ", ".join(f"{METHODS[method]} {station.quality[method].frames}" for method in methods)
    axis.set_title(f"{station.source}, {station.network}. Frames: {frames}", fontsize=9)
    return figure


def _blank(value: Any) -> Any:
    return "" if isinstance(value, float) and not isfinite(value) else value
