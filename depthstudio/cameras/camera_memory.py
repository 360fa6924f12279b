"""What was set on a camera, remembered by its serial number and set again when it is opened the next time."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

from depthstudio.cameras.realsense_devices import list_devices
from depthstudio.cameras.source import Control, FrameSource
from depthstudio.cameras.urls import SourceUrl
from depthstudio.errors import SourceError
from depthstudio.storage import write_text

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RememberedSettings:
    """controls: value by name, in the order to set them. advanced: the camera maker's file, when one was loaded.

    modes: size and rate as options of a URL, by the way of using the camera: infrared, colour, in a hybrid rig ...
    """

    controls: dict[str, float] = field(default_factory=dict)
    advanced: str = ""
    modes: dict[str, dict[str, str]] = field(default_factory=dict)


class CameraMemory:
    """One JSON file per camera in `folder`, named after `FrameSource.settings_key`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, key: str) -> RememberedSettings:
        """What was remembered; nothing for an unknown camera, or when the file is damaged."""
        try:
            content = json.loads(self._file(key).read_text(encoding="utf-8"))
            controls = {str(name): float(value) for name, value in content.get("controls", {}).items()}
            modes = {
                str(use): {name: str(mode[name]) for name in ("size", "fps") if name in mode}
                for use, mode in content.get("modes", {}).items()
            }
            return RememberedSettings(controls, str(content.get("advanced", "")), modes)
        except FileNotFoundError:
            return RememberedSettings()
        except (OSError, ValueError, TypeError, AttributeError) as error:
            _log.warning("The settings of %s cannot be read and are not used: %s", key, error)
            return RememberedSettings()

    def save(self, key: str, controls: Iterable[Control], advanced: str | None = None) -> None:
        """Remember what is set now. What cannot be set, such as the exposure while it is automatic, is left out.

        advanced: the file just loaded; None keeps the one remembered. OSError when the folder cannot be written.
        """
        values = {control.name: control.value for control in controls if not control.unavailable}
        before = self.load(key)
        self._write(key, replace(before, controls=values, advanced=before.advanced if advanced is None else advanced))

    def save_mode(self, source: FrameSource) -> None:
        """Remember the size and rate that an opened source was asked for; nothing when its URL leaves them open.

        OSError when the folder cannot be written.
        """
        url = SourceUrl.parse(source.url)
        if source.settings_key and url.size_and_rate():
            before = self.load(source.settings_key)
            modes = {**before.modes, _use_of(url): url.size_and_rate()}
            self._write(source.settings_key, replace(before, modes=modes))

    def in_remembered_mode(self, url: str) -> str:
        """The URL with the size and rate remembered of its camera, unless it says them itself."""
        parsed = SourceUrl.parse(url)
        key = "" if parsed.size_and_rate() else _key_of(parsed)
        mode = self.load(key).modes.get(_use_of(parsed), {}) if key else {}
        return str(replace(parsed, options={**parsed.options, **mode})) if mode else url

    def forget(self, key: str) -> None:
        """The camera opens with its own settings again."""
        self._file(key).unlink(missing_ok=True)

    def apply(self, source: FrameSource) -> None:
        """Set on an opened source what is remembered of it. What the camera refuses is logged and left as it is."""
        if not source.settings_key:
            return
        remembered = self.load(source.settings_key)
        if remembered.advanced:
            self._try(source, "advanced", partial(source.import_settings, remembered.advanced))
        for name, value in remembered.controls.items():
            current = {control.name: control for control in source.controls()}.get(name)
            if current is not None and current.value != value:
                self._try(source, name, partial(source.set_control, name, value))

    def _write(self, key: str, settings: RememberedSettings) -> None:
        write_text(self._file(key), json.dumps(asdict(settings), indent=1))

    def _try(self, source: FrameSource, name: str, change: Callable[[], None]) -> None:
        try:
            change()
        except SourceError as error:
            _log.warning("%s: %s is not set again: %s", source.title, name, error)

    def _file(self, key: str) -> Path:
        return self._folder / f"{re.sub(r'[^A-Za-z0-9._-]+', '-', key)}.json"


def _use_of(url: SourceUrl) -> str:
    """What a camera is used for: the modes it offers differ."""
    return f"{url.scheme} {url.options.get('mode', 'ir' if url.scheme == 'realsense' else '')}".strip()


def _key_of(url: SourceUrl) -> str:
    """The `settings_key` that the source of a URL will have; empty for what is no camera, or not connected."""
    if url.scheme == "usb":
        return f"usb {url.target}"
    if url.scheme not in ("realsense", "hybrid"):
        return ""
    serial = url.target.partition("+")[0]
    devices = list_devices() if not serial else []
    return f"realsense {serial}" if serial else devices[0].key if devices else ""
