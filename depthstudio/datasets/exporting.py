"""Recordings for other programs: the seed's .npy runs, and folders of images with a CSV index."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthstudio.cancel import CancelToken
from depthstudio.datasets.image_pairs import INDEX_FILE
from depthstudio.datasets.seed_folder import FRAME_LINE, OPTIONAL_FILES
from depthstudio.datasets.session import Session
from depthstudio.datasets.session_format import CALIBRATION_FILE
from depthstudio.errors import DatasetError
from depthstudio.frames import StereoFrame

OnProgress = Callable[[int, int], None]

INDEX_COLUMNS = (
    "index",
    "number",
    "timestamp_s",
    "right_timestamp_s",
    "left",
    "right",
    "depth",
    "color",
    "exact",
    "confidence",
    "skew_ms",
    "fill_rate",
    "metadata",
)
# Part of a frame -> the folder and the index's column of image exports.
_FOLDERS = {
    "left": "left",
    "right": "right",
    "depth_mm": "depth",
    "color": "color",
    "exact_depth_m": "exact",
    "label_confidence": "confidence",
}
_NPY_PARTS = ("right", "depth_mm")


@dataclass
class ExportReport:
    """path: what was written. frames: how many. left_out: why others were not, and how many."""

    path: Path
    frames: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    def lines(self) -> list[str]:
        """For the user."""
        lines = [f"{self.frames} {'frame' if self.frames == 1 else 'frames'} in {self.path}"]
        return lines + [f"{count} left out: {reason}" for reason, count in self.left_out.items()]


def _counted(
    positions: Sequence[int], report: ExportReport, on_progress: OnProgress | None, cancel: CancelToken | None
) -> Iterator[int]:
    """The positions one by one until cancelled; each counts once the next is asked for."""
    for done, position in enumerate(positions, 1):
        if cancel is not None and cancel.is_cancelled:
            return
        yield position
        report.frames = done
        if on_progress is not None:
            on_progress(done, len(positions))


def why_no_npy(session: Session) -> str:
    """What no frame of `session` has and an .npy run needs, as in "needs depth, …"; empty when some frame has it."""
    kept = [session.records[position]["files"] for position in session.included]
    if not kept or any(all(part in files for part in _NPY_PARTS) for files in kept):
        return ""
    for part, words in zip(_NPY_PARTS, ("right images", "depth"), strict=True):
        if not any(part in files for files in kept):
            return f"needs {words}, and this recording has none"
    return "needs a right image and depth in one frame, and this recording has no such frame"


def export_npy(
    session: Session, parent: Path, on_progress: OnProgress | None = None, cancel: CancelToken | None = None
) -> ExportReport:
    """Write ``parent/<YYYYMMDD_HHMMSS>/<000001..>/{color,right,depth}.npy`` and ``parent/calibration.npz``.

    The left image is color.npy, a third camera's is left.npy. Grey images get three equal channels, as readers of this
    layout expect; meta.txt says so, and `import` makes them grey again. Frames that are marked out, or have no right
    image or no depth, are left out. DatasetError when nothing is left, or a folder is in the way.
    """
    if reason := why_no_npy(session):
        next_step = "Export it as images with an index (images), or as a RealSense recording (db3)."
        raise DatasetError(f"{session.name} cannot be exported as .npy runs.", f"That layout {reason}.", next_step)
    run = _new_folder(parent / _run_name(session))
    report = ExportReport(run)
    positions = _positions(session, _NPY_PARTS, report)
    _check_calibration(session, parent)
    try:
        for position in _counted(positions, report, on_progress, cancel):
            index = session.records[position]["index"]
            _write_npy(session.frame(position), run / f"{index:06d}")
        check_frames(report)
        _copy_calibration(session, parent)
    except BaseException:
        shutil.rmtree(run, ignore_errors=True)
        raise
    return report


def export_images(
    session: Session, folder: Path, on_progress: OnProgress | None = None, cancel: CancelToken | None = None
) -> ExportReport:
    """Write ``left/ right/ depth/ color/`` with one PNG per frame, ``index.csv`` and ``calibration.npz``.

    The files are the session's own, copied byte by byte: 8-bit images, 16-bit depth in millimetres. Frames marked out
    are left out. DatasetError when nothing is left, or the folder holds something.
    """
    _new_folder(folder)
    report = ExportReport(folder)
    positions = _positions(session, (), report)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with (folder / INDEX_FILE).open("w", encoding="utf-8", newline="") as stream:
            table = csv.DictWriter(stream, INDEX_COLUMNS)
            table.writeheader()
            for position in _counted(positions, report, on_progress, cancel):
                table.writerow(_copy_frame(session, position, folder))
        check_frames(report)
        _copy_calibration(session, folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return report


def _positions(session: Session, needed: Sequence[str], report: ExportReport) -> list[int]:
    found = []
    report.left_out["marked out"] = len(session.excluded)
    for position in session.included:
        missing = [part for part in needed if part not in session.records[position]["files"]]
        if missing:
            report.left_out["no right image" if "right" in missing else "no depth"] += 1
        else:
            found.append(position)
    report.left_out = +report.left_out
    if not found:
        reasons = ", ".join(f"{count} {reason}" for reason, count in report.left_out.items())
        raise DatasetError(f"Nothing of {session.name} can be exported.", f"{reasons or 'It holds no frames'}.")
    return found


def check_frames(report: ExportReport) -> None:
    """DatasetError when nothing was written, so that no empty folder is left in the way of the next try."""
    if not report.frames:
        raise DatasetError(f"The export to {report.path} was stopped before its first frame.", "Nothing was written.")


def _new_folder(folder: Path) -> Path:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DatasetError(f"{folder} exists already.", "Nothing is overwritten.", "Choose another folder.")
    return folder


def _run_name(session: Session) -> str:
    """``YYYYMMDD_HHMMSS`` of the recording, as the layout wants it."""
    digits = [character for character in session.created[:19] if character.isdigit()]
    return "".join(digits[:8]) + "_" + "".join(digits[8:]) if len(digits) == 14 else session.folder.name


def _write_npy(frame: StereoFrame, folder: Path) -> None:
    folder.mkdir(parents=True)
    assert frame.right is not None and frame.depth_mm is not None
    images = {"color": frame.left, "right": frame.right, "left": frame.color}
    for name, image in images.items():
        if image is not None:
            np.save(folder / f"{name}.npy", np.repeat(image[:, :, None], 3, axis=2) if image.ndim == 2 else image)
    arrays: dict[str, NDArray[Any]] = {"depth.npy": frame.depth_mm}
    for part, name in OPTIONAL_FILES.items():
        if (values := getattr(frame, part)) is not None:
            arrays[name] = values
    for name, values in arrays.items():
        np.save(folder / name, values)
    about = {
        "number": frame.number,
        "timestamp_s": frame.timestamp_s,
        "right_timestamp_s": frame.right_timestamp_s,
        "grey": [name for name, image in images.items() if image is not None and image.ndim == 2],
        "metadata": dict(frame.metadata),
    }
    lines = [f"{FRAME_LINE}: {json.dumps(about)}", *(f"{key}: {value}" for key, value in frame.metadata.items())]
    (folder / "meta.txt").write_text("\n".join(lines) + "\n", "utf-8")


def _copy_frame(session: Session, position: int, folder: Path) -> dict[str, Any]:
    record = session.records[position]
    line = {name: record.get(name, "") for name in ("index", "number", "timestamp_s", "right_timestamp_s")}
    line |= {name: record["checks"].get(name, "") for name in ("skew_ms", "fill_rate")}
    line["metadata"] = json.dumps(record.get("metadata") or {})
    for part, source in record["files"].items():
        home = _FOLDERS.get(part)
        if home is None:
            continue
        name = f"{home}/{record['index']:06d}{Path(source).suffix}"
        (folder / home).mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(session.folder / source, folder / name)
        except FileNotFoundError as error:
            raise DatasetError(f"The file {session.folder / source} is missing.", "It was moved or deleted.") from error
        line[home] = name
    return line


def _check_calibration(session: Session, folder: Path) -> None:
    """A folder of several runs has one calibration: a second one must not replace it."""
    mine, theirs = session.folder / CALIBRATION_FILE, folder / CALIBRATION_FILE
    if theirs.exists() and (not mine.exists() or mine.read_bytes() != theirs.read_bytes()):
        raise DatasetError(
            f"{folder} holds runs of another calibration.", "One folder has one calibration.", "Choose another folder."
        )


def _copy_calibration(session: Session, folder: Path) -> None:
    if (session.folder / CALIBRATION_FILE).exists():
        shutil.copyfile(session.folder / CALIBRATION_FILE, folder / CALIBRATION_FILE)
