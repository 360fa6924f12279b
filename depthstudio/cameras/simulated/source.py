"""SimulatedSource: a rig without hardware, whose geometry and depth are known exactly."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from depthstudio.cameras.simulated import sensors
from depthstudio.cameras.simulated.label import DepthLabeller
from depthstudio.cameras.simulated.prerender import BackgroundRenderer
from depthstudio.cameras.simulated.render import RenderedFrame
from depthstudio.cameras.simulated.rig import MODULE_BASELINE_M, simulated_rig
from depthstudio.cameras.simulated.settings import SCENES, SimulatedSettings
from depthstudio.cameras.simulated.store import LoopStore, prune
from depthstudio.cameras.simulated.timeline import held_frames, there_and_back, whole_poses
from depthstudio.cameras.source import ALTERNATING, Control, EndOfStream, FrameSource
from depthstudio.errors import SourceError
from depthstudio.frames import Image, StereoFrame
from depthstudio.geometry import StereoCalibration

_PROJECTOR = ("off", "on", ALTERNATING)
_RIG_TITLES = {"ir": "Simulated infrared pair", "hybrid": "Simulated hybrid rig"}
# Rendering time of a frame on an ordinary core, and how much of it is worth the start of child processes.
_RENDER_S, _RENDER_S_PER_PX = 0.25, 1.3e-6
_WORTH_CHILDREN_S = 4.0
_POLL_S = 0.01
# The USB camera of the hybrid rig is not triggered by the other one.
_SKEW_S = 0.0021
_SKEW_SPREAD_S = 0.0008


class SimulatedSource(FrameSource):
    """``sim://ir`` and ``sim://hybrid`` as `SimulatedSettings` describes them.

    In real time a loop is shown for ever at `fps`; it is rendered once, in the background, and kept on disk. Until it
    is complete the frames that are there already are played back and forth. With ``realtime=0`` every frame of the loop
    comes once, in order, the same in every run, and then the stream ends.
    """

    def __init__(self, settings: SimulatedSettings) -> None:
        super().__init__(settings.to_url(), _RIG_TITLES[settings.rig])
        self._settings = settings
        self._rig = simulated_rig(settings.rig, settings.size)
        self._exposure_ms, self._gain = sensors.EXPOSURE_MS, sensors.GAIN
        self.sees_dots = settings.rig == "ir"
        self._alternates = False
        self._number = 0
        self._started_s = 0.0
        self._store: LoopStore | None = None
        self._background: BackgroundRenderer | None = None

    @classmethod
    def from_url(cls, url: str) -> SimulatedSource:
        """The source of a ``sim://`` URL. SourceError names the allowed parameters and values."""
        return cls(SimulatedSettings.from_url(url))

    @property
    def settings(self) -> SimulatedSettings:
        """What the URL said, with what was set since."""
        return self._settings

    @property
    def is_live(self) -> bool:
        """True in real time."""
        return self._settings.realtime

    @property
    def calibration(self) -> StereoCalibration | None:
        """The infrared module's factory calibration; None for the hybrid rig, which its user must calibrate."""
        return self._rig.calibration if self._settings.rig == "ir" else None

    @property
    def exact_calibration(self) -> StereoCalibration:
        """The cameras as they are, for judging a calibration."""
        return self._rig.calibration

    def open(self) -> None:
        """Start the loop. Frames come as soon as the first is rendered, about a second later at 640x480."""
        self.close()
        settings = self._settings
        left_sensor, right_sensor = sensors.of_rig(settings.rig)
        self._left_noise = sensors.SensorNoise(left_sensor, settings.seed, settings.noise)
        self._right_noise = sensors.SensorNoise(right_sensor, settings.seed + 1, settings.noise)
        self._set_exposure()
        module = self._rig.module_focal_px * MODULE_BASELINE_M
        self._labeller = DepthLabeller(module, settings.seed, settings.noise)
        self._number = 0
        self._start_loop()
        self._started_s = time.monotonic()

    def _start_loop(self) -> None:
        self._stop_background()
        store = LoopStore(self._settings)
        prune(store.folder)
        missing = store.count - store.ready()
        pixels = self._settings.size[0] * self._settings.size[1]
        work_s = missing * (_RENDER_S + _RENDER_S_PER_PX * pixels)
        # One picture is rendered by the first read, sooner than a child process could.
        if store.count > 1 and missing and (self.is_live or work_s > _WORTH_CHILDREN_S):
            self._background = BackgroundRenderer(self._settings, workers=1 if self.is_live else 2)
        self._store = store

    def _stop_background(self) -> None:
        if self._background is not None:
            self._background.stop()
            self._background = None

    def close(self) -> None:
        """Stop rendering. What was rendered stays on disk for the next time."""
        self._stop_background()
        self._store = None

    def read(self, timeout_s: float = 0.5) -> StereoFrame | None:
        """The next frame. In real time it waits `timeout_s` for its turn at most, else as long as rendering takes."""
        if self._store is None:
            raise SourceError(f"{self.title} is not open.", next_step="Open the source first.")
        rendered = self._paced(timeout_s) if self.is_live else self._next_in_order()
        if rendered is None:
            return None
        frame = self._expose(rendered)
        self._number += 1
        return frame

    def _next_in_order(self) -> RenderedFrame:
        assert self._store is not None
        if self._number >= self._settings.frame_count:
            raise EndOfStream
        index = self._number % self._store.count
        while self._background is not None and self._background.is_running and not self._store.has(index):
            time.sleep(_POLL_S)
        return self._store.get(index)

    def _paced(self, timeout_s: float) -> RenderedFrame | None:
        """The loop's frame for the present moment; frame numbers skip what was not read in time, as a camera's do."""
        assert self._store is not None
        deadline = time.monotonic() + timeout_s
        while not self._store.ready():
            self._replace_dead_background()
            if time.monotonic() >= deadline:
                return None
            time.sleep(_POLL_S)
            self._started_s = time.monotonic() - self._number / self._settings.fps
        due_s = self._started_s + self._number / self._settings.fps
        wait_s = due_s - time.monotonic()
        if wait_s > deadline - time.monotonic():
            time.sleep(max(deadline - time.monotonic(), 0.0))
            return None
        if wait_s > 0:
            time.sleep(wait_s)
        else:
            self._number += int(-wait_s * self._settings.fps)
        return self._store.get(self._index_now())

    def _replace_dead_background(self) -> None:
        """A child that died without a frame is no reason to show none: render the first one here."""
        assert self._store is not None
        if self._background is None or not self._background.is_running:
            self._store.get(0)

    def _index_now(self) -> int:
        assert self._store is not None
        ready = self._store.ready()
        complete = ready >= self._store.count
        if self._settings.scene == "board":
            return held_frames(self._number, ready if complete else whole_poses(ready), self._settings.fps)
        if not complete:
            return there_and_back(self._number, ready)
        return self._number % ready

    def _expose(self, rendered: RenderedFrame) -> StereoFrame:
        """One shot of a rendered frame: projector, exposure, noise, depth label."""
        settings = self._settings
        rng = np.random.default_rng((settings.seed, 97, self._number))
        left, right = rendered.left, rendered.right
        lit = self._is_lit
        if lit and rendered.left_dots.size:
            left, right = _added(left, rendered.left_dots), _added(right, rendered.right_dots)
        quality = rendered.quality_lit if lit else rendered.quality_dark
        timestamp_s = self._number / settings.fps
        skew_s = _SKEW_S + _SKEW_SPREAD_S * float(rng.uniform(-1, 1)) if self._rig.has_colour else 0.0
        return StereoFrame(
            number=self._number,
            timestamp_s=timestamp_s,
            left=self._left_noise.expose(left, rng),
            right=self._right_noise.expose(right, rng),
            depth_mm=self._labeller.measure(rendered.label_units, quality, rng),
            right_timestamp_s=timestamp_s + skew_s,
            arrived_s=time.monotonic(),
            exact_depth_m=rendered.exact_depth_m,
            metadata=self._metadata(),
        )

    @property
    def _is_lit(self) -> bool:
        return self._number % 2 == 0 if self._alternates else self._settings.projector

    def _metadata(self) -> dict[str, Any]:
        return {
            "scene": self._settings.scene,
            "projector": self._is_lit,
            "exposure_ms": self._exposure_ms,
            "gain": self._gain,
        }

    def controls(self) -> tuple[Control, ...]:
        """Projector, exposure, gain, scene; distance and tilt of the wall."""
        s = self._settings
        not_a_wall = "" if s.scene == "wall" else "Only the wall can be moved."
        projector = float(_PROJECTOR.index(ALTERNATING)) if self._alternates else float(s.projector)
        played = "" if s.realtime else "The recording is played once; choose the scene in the URL."
        return (
            Control("projector", "Dot projector", projector, maximum=2.0, default=1.0, choices=_PROJECTOR),
            Control("exposure", "Exposure", self._exposure_ms, 0.5, 33.0, 0.5, sensors.EXPOSURE_MS, "ms"),
            Control("gain", "Gain", self._gain, 4.0, 128.0, 1.0, sensors.GAIN),
            Control(
                "scene",
                "Scene",
                float(SCENES.index(s.scene)),
                maximum=len(SCENES) - 1.0,
                choices=SCENES,
                unavailable=played,
            ),
            Control("distance_m", "Wall distance", s.distance_m, 0.3, 5.0, 0.05, 1.0, "m", unavailable=not_a_wall),
            Control("tilt_deg", "Wall tilt", s.tilt_deg, -45.0, 45.0, 1.0, 0.0, "°", unavailable=not_a_wall),
        )

    def set_control(self, name: str, value: float) -> None:
        """Set one of `controls`; a new scene, distance or tilt starts another loop. SourceError when out of range."""
        control = next((item for item in self.controls() if item.name == name), None)
        if control is None:
            raise KeyError(name)
        if control.unavailable:
            raise SourceError(f"{control.label} cannot be set now.", control.unavailable)
        if not control.minimum <= value <= control.maximum:
            raise SourceError(
                f"{control.label} cannot be {value:g}.",
                f"It goes from {control.minimum:g} to {control.maximum:g} {control.unit}".rstrip() + ".",
            )
        if name == "projector":
            self._alternates = _PROJECTOR[round(value)] == ALTERNATING
            self._settings = replace(self._settings, projector=bool(round(value)))
            self.url = self._settings.to_url()
        elif name == "exposure":
            self._exposure_ms = value
        elif name == "gain":
            self._gain = value
        elif name == "scene":
            self._change(scene=SCENES[round(value)])
        else:
            self._change(**{name: value})
        if self._store is not None:
            self._set_exposure()

    def _set_exposure(self) -> None:
        for noise in (self._left_noise, self._right_noise):
            noise.set_exposure(self._exposure_ms, self._gain)

    def _change(self, **values: Any) -> None:
        self._settings = replace(self._settings, **values)
        self.url = self._settings.to_url()
        if self._store is not None:
            self._start_loop()


def _added(image: Image, light: Image) -> Image:
    return np.asarray(cv2.add(image, light), np.uint8)
