"""What the window remembers between two starts: settings.toml of the workspace."""

from __future__ import annotations

import tomllib
from pathlib import Path

import tomlkit
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from depthstudio.calibration.board import BoardKind
from depthstudio.gui.theme import ThemeMode
from depthstudio.storage import write_text


class WindowSettings(BaseModel):
    """The window's own settings; unknown keys of a newer program are kept."""

    model_config = ConfigDict(extra="allow", validate_assignment=True)

    theme: ThemeMode = Field(default=ThemeMode.SYSTEM, title="Theme", description="System follows the desktop.")
    page: str = "capture"
    calibration: str = Field(default="", description="File name in calibrations/, or empty for the camera's own.")
    recent_urls: list[str] = Field(default_factory=list, description="Files, folders and addresses, newest first.")
    window_size: tuple[int, int] = Field(default=(1280, 720), description="While it is not maximised.")
    window_maximized: bool = False
    board_kind: BoardKind = "chessboard"
    board_columns: int = Field(default=9, ge=3, le=40)
    board_rows: int = Field(default=6, ge=3, le=40)
    board_square_mm: float = Field(default=25.0, gt=0, le=1000)
    board_marker_share: float = Field(default=0.75, ge=0.3, le=0.95, description="Of a ChArUco board's square.")
    board_dictionary: str = "4X4_250"
    live_network: str = Field(default="", description="File of the network that Live used last.")
    live_threads: int = Field(default=0, ge=0, le=256, description="Computing threads of Live; 0 leaves it to torch.")
    live_max_disparity: int = Field(default=0, ge=0, le=1024, description="Disparities searched; 0 as trained.")
    live_backend: str = Field(default="auto", description="What runs Live's network; auto takes the fastest.")
    live_half_resolution: bool = Field(default=False, description="Live predicts on pictures half as wide and high.")


def load_settings(file: Path) -> tuple[WindowSettings, str]:
    """The settings and, when the file is unusable, a sentence that says so. A broken file never stops the program."""
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return WindowSettings(), ""
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return WindowSettings(), f"{file.name} cannot be read ({error}); the defaults are used."
    try:
        return WindowSettings(**values), ""
    except ValidationError as error:
        broken = {str(problem["loc"][0]) for problem in error.errors()}
        kept = {name: value for name, value in values.items() if name not in broken}
        return WindowSettings(
            **kept
        ), f"{file.name}: {', '.join(sorted(broken))} out of range; defaults are used there."


def save_settings(settings: WindowSettings, file: Path) -> None:
    """Write settings.toml atomically. OSError when the folder cannot be written."""
    write_text(file, tomlkit.dumps(settings.model_dump(mode="json", exclude_none=True)))
