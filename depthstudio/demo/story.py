"""run_demo: what a user does in the window in five minutes, as a generator of progress."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from depthstudio.calibration import Board, CalibrationSolution, ViewCollector, solve_stereo
from depthstudio.cameras import CaptureThread, EndOfStream, FrameSource, open_source
from depthstudio.cameras.recording import record
from depthstudio.cameras.simulated import SimulatedSource
from depthstudio.datasets import CachedSamples, CombinedSamples, SampleSource, Session, SessionSamples
from depthstudio.errors import UserError
from depthstudio.evaluation.evaluate import Evaluation, evaluate_frames
from depthstudio.frames import Image, StereoFrame
from depthstudio.geometry import Rectifier, StereoCalibration
from depthstudio.inference import Predictor
from depthstudio.models import load_network
from depthstudio.training.events import BaselineDone, EpochDone, Failed, StepDone
from depthstudio.training.loop import fine_tune
from depthstudio.training.presets import default_preset
from depthstudio.training.run import Run
from depthstudio.training.settings import TrainingSettings
from depthstudio.training.start import start_network
from depthstudio.workspace import Workspace, new_folder_name

STEPS = ("Calibrate", "Record", "Judge before", "Fine-tune", "Judge after", "Predict live")
CALIBRATION_FILE = "demo.npz"
_BOARD = Board(9, 6, 0.025)
_BOARD_URL = "sim://hybrid?scene=board&realtime=off&size={width}x{height}"
# Rooms that differ in everything: the network is judged on one that it never sees.
_HELD_OUT_ROOM = 21
_ROOMS = {11: "train", 12: "train", 13: "validation", _HELD_OUT_ROOM: "ignored"}
_MIN_VIEWS = 12
# A preset's gentle rate needs hundreds of frames and dozens of epochs, and rehearsal doubles the work; here two minutes
# must do.
_SHORT_RUN: dict[str, float] = {
    "learning_rate": 4e-4,
    "batch_size": 2,
    "encoder_lr_factor": 0.3,
    "aggregation_lr_factor": 1.0,
    "rehearsal_share": 0.0,
    "teacher_weight": 0.0,
    "ema_decay": 0.9,
}
_MAX_VIEWS = 25


@dataclass(frozen=True)
class DemoScale:
    """How much is recorded and trained. The default takes two to three minutes on two cores."""

    frames_per_room: int = 12
    epochs: int = 10
    validation_frames: int = 4
    crop: tuple[int, int] = (448, 288)
    live_seconds: float = 5.0
    size: tuple[int, int] = (640, 480)

    @classmethod
    def quick(cls) -> DemoScale:
        """Small enough for a test: shows the way, not the quality."""
        return cls(frames_per_room=3, epochs=1, crop=(192, 128), live_seconds=1.0, size=(320, 240))


@dataclass(frozen=True)
class DemoProgress:
    """Where the demonstration is: an index into STEPS, the share of this step done, and one line about it."""

    step: int
    share: float
    detail: str = ""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """One frame of the room that was kept apart: (H, W, 3) left image, (H, W) float32 px truth and predictions."""

    left: Image
    truth: np.ndarray
    before: np.ndarray
    after: np.ndarray


@dataclass(frozen=True)
class LiveFigures:
    """What the live prediction reached; latency from a frame's arrival to its disparity."""

    frames: int
    rate_hz: float
    latency_p50_ms: float
    latency_p95_ms: float


@dataclass(frozen=True, eq=False)
class DemoResult:
    """Everything the report shows. room_url: the simulated room that was kept apart, to watch live."""

    workspace: Workspace
    room_url: str
    solution: CalibrationSolution
    exact: StereoCalibration
    run: Run
    before: Evaluation
    after: Evaluation
    picture: HeldOut
    live: LiveFigures
    seconds: float


def run_demo(
    workspace: Workspace, scale: DemoScale, network: str = "depthstudio-s"
) -> Iterator[DemoProgress | DemoResult]:
    """The whole way; yields progress and, at the end, one DemoResult. UserError when a step cannot be done."""
    began = time.monotonic()
    settings = default_preset(network).settings.changed(
        **_SHORT_RUN,
        network=network,
        epochs=scale.epochs,
        crop_width=scale.crop[0],
        crop_height=scale.crop[1],
        validation_frames=scale.validation_frames,
    )
    first = Predictor(start_network(settings, workspace)[0])  # now, so that a wrong name costs no minute
    solution, exact = yield from _calibrate(workspace, scale.size)
    sessions = yield from _record(workspace, scale, solution.calibration)
    by_role = {
        role: CachedSamples(CombinedSamples([SessionSamples(one) for one in sessions if one.role == role], role))
        for role in ("train", "validation", "ignored")
    }
    held_out = by_role["ignored"]
    before = yield from _judge(first, held_out, step=2)
    run = yield from _fine_tune(workspace, settings, by_role)
    tuned = load_network(run.best_path).network
    after = yield from _judge(Predictor(tuned), held_out, step=4)
    sample = held_out[len(held_out) // 2]
    picture = HeldOut(
        sample.left,
        np.asarray(sample.exact_disparity_px),
        first.predict(sample.left, sample.right).disparity_px,
        Predictor(tuned).predict(sample.left, sample.right).disparity_px,
    )
    live = yield from _predict_live(
        Predictor(tuned, Rectifier(solution.calibration, scale.size), backend="openvino"), scale
    )
    yield DemoResult(
        workspace,
        _room_url(_HELD_OUT_ROOM, scale),
        solution,
        exact,
        run,
        before,
        after,
        picture,
        live,
        time.monotonic() - began,
    )


def _calibrate(
    workspace: Workspace, size: tuple[int, int]
) -> Generator[DemoProgress, None, tuple[CalibrationSolution, StereoCalibration]]:
    """Watch a moving chessboard until there are enough views, solve, save."""
    source = open_source(_BOARD_URL.format(width=size[0], height=size[1]))
    assert isinstance(source, SimulatedSource)
    collector = ViewCollector(_BOARD, require_still=False, min_views=_MIN_VIEWS)
    with source:
        exact = source.exact_calibration
        for frame in _frames(source):
            collector.offer(frame)
            taken = len(collector.views)
            yield DemoProgress(0, min(0.9, taken / _MIN_VIEWS), f"{taken} views of the chessboard")
            if collector.enough or taken >= _MAX_VIEWS:
                break
    solution = solve_stereo(collector.views, _BOARD, size)
    solution.calibration.save(workspace.calibrations / CALIBRATION_FILE)
    yield DemoProgress(0, 1.0, solution.verdict)
    return solution, exact


def _record(
    workspace: Workspace, scale: DemoScale, calibration: StereoCalibration
) -> Generator[DemoProgress, None, list[Session]]:
    """One recording session per room, with its role."""
    sessions: list[Session] = []
    for done, (seed, role) in enumerate(_ROOMS.items()):
        folder = workspace.sessions / new_folder_name(workspace.sessions, f"room-{seed}")
        yield DemoProgress(1, done / len(_ROOMS), f"room {done + 1} of {len(_ROOMS)}")
        sessions.append(
            record(
                _room_url(seed, scale) + "&realtime=off",
                folder,
                name=f"Room {seed}",
                role=role,
                calibration=calibration,
            )
        )
    total = sum(session.frame_count for session in sessions)
    yield DemoProgress(1, 1.0, f"{total} frames with depth labels, every one on disk")
    return sessions


def _judge(predictor: Predictor, samples: SampleSource, step: int) -> Generator[DemoProgress, None, Evaluation]:
    """The network on the room it never sees, against the exact disparity."""
    results = []
    for result in evaluate_frames(predictor, samples, truth="exact"):
        results.append(result)
        yield DemoProgress(step, len(results) / len(samples), f"EPE {result.metrics.epe_px:.2f} px")
    evaluation = Evaluation(predictor.name, samples.title, tuple(results))
    yield DemoProgress(step, 1.0, f"EPE {evaluation.per_image.epe_px:.2f} px against the exact disparity")
    return evaluation


def _fine_tune(
    workspace: Workspace, settings: TrainingSettings, samples: Mapping[str, SampleSource]
) -> Generator[DemoProgress, None, Run]:
    """A short run with the recipe recommended for the network."""
    run = Run.create(workspace.runs, "demo", settings)
    tuned, _ = start_network(settings, workspace)
    detail = ""
    for event in fine_tune(tuned, samples["train"], samples["validation"], settings, run):
        if isinstance(event, Failed):
            raise UserError(event.message, event.why, event.next_step)
        if isinstance(event, BaselineDone):
            detail = f"validation EPE {event.validation_epe_px:.2f} px"
        if isinstance(event, EpochDone):
            detail = f"epoch {event.epoch}: validation EPE {event.validation_epe_px:.2f} px"
        if isinstance(event, StepDone):
            share = (event.epoch - 1 + event.step / event.steps_per_epoch) / settings.epochs
            yield DemoProgress(3, share, detail)
    yield DemoProgress(3, 1.0, detail)
    return run


def _predict_live(predictor: Predictor, scale: DemoScale) -> Generator[DemoProgress, None, LiveFigures]:
    """The fine-tuned network on the camera feed: always the newest frame, nothing queues."""
    capture = CaptureThread(open_source(_room_url(_HELD_OUT_ROOM, scale)))
    newest = capture.newest()
    predictor.warm_up(scale.size)
    capture.start()
    latencies_ms: list[float] = []
    try:
        first = newest.take(timeout_s=30.0)
        began = time.monotonic()
        while first is not None and (elapsed := time.monotonic() - began) < scale.live_seconds:
            frame = newest.take(timeout_s=1.0)
            if frame is None or frame.right is None:
                break
            predictor.predict(frame.left, frame.right)
            latencies_ms.append((time.monotonic() - frame.arrived_s) * 1000.0)
            rate_hz = len(latencies_ms) / max(elapsed, 1e-3)
            yield DemoProgress(5, elapsed / scale.live_seconds, f"{rate_hz:.1f} predictions/s")
    finally:
        capture.stop()
    if not latencies_ms:
        raise UserError("The simulated camera delivered no frame.", str(capture.error or ""))
    figures = LiveFigures(
        len(latencies_ms),
        len(latencies_ms) / (time.monotonic() - began),
        float(np.percentile(latencies_ms, 50)),
        float(np.percentile(latencies_ms, 95)),
    )
    yield DemoProgress(5, 1.0, f"{figures.rate_hz:.1f} predictions/s, latency {figures.latency_p50_ms:.0f} ms")
    return figures


def _room_url(seed: int, scale: DemoScale) -> str:
    width, height = scale.size
    return f"sim://hybrid?scene=desk&seed={seed}&frames={scale.frames_per_room}&size={width}x{height}"


def _frames(source: FrameSource) -> Iterator[StereoFrame]:
    """Every frame of an opened source, until it ends."""
    while True:
        try:
            frame = source.read(timeout_s=1.0)
        except EndOfStream:
            return
        if frame is not None:
            yield frame
