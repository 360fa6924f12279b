"""What was set on a camera, remembered by its serial number and set again when it is opened the next time."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from depthstudio.cameras.source import Control, FrameSource
from depthstudio.errors import SourceError
from depthstudio.storage import write_text

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RememberedSettings:
    """controls: value by name, in the order to set them. advanced: the camera maker's file, when one was loaded."""

    controls: dict[str, float] = field(default_factory=dict)
    advanced: str = ""


class CameraMemory:
    """One JSON file per camera in `folder`, named after `FrameSource.settings_key`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, key: str) -> RememberedSettings:
        """What was remembered; nothing for an unknown camera, or when the file is damaged."""
        try:
            content = json.loads(self._file(key).read_text(encoding="utf-8"))
            controls = {str(name): float(value) for name, value in content.get("controls", {}).items()}
            return RememberedSettings(controls, str(content.get("advanced", "")))
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
        kept = self.load(key).advanced if advanced is None else advanced
        write_text(self._file(key), json.dumps({"controls": values, "advanced": kept}, indent=1))

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

    def _try(self, source: FrameSource, name: str, change: Callable[[], None]) -> None:
        try:
            change()
        except SourceError as error:
            _log.warning("%s: %s is not set again: %s", source.title, name, error)

    def _file(self, key: str) -> Path:
        return self._folder / f"{re.sub(r'[^A-Za-z0-9._-]+', '-', key)}.json"
