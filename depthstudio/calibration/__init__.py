"""Calibrating a stereo pair from views of a printed board: detection, collecting views, solving, judging. Qt-free."""

from depthstudio.calibration.board import BOARD_KINDS, Board, BoardKind
from depthstudio.calibration.camera import CameraSolution, solve_camera
from depthstudio.calibration.collector import CollectedView, Offer, ViewCollector, collect
from depthstudio.calibration.coverage import coverage, coverage_counts
from depthstudio.calibration.detected import Detection
from depthstudio.calibration.detection import detect_board, find_board_quickly
from depthstudio.calibration.pairs import LoadedViews, find_pairs, load_views
from depthstudio.calibration.solution import CalibrationSolution, VerticalError, ViewResult
from depthstudio.calibration.solve import CalibrationStopped, solve_stereo
from depthstudio.calibration.views import BoardView, detect_view, matched_view

__all__ = [
    "BOARD_KINDS",
    "Board",
    "BoardKind",
    "BoardView",
    "CalibrationSolution",
    "CalibrationStopped",
    "CameraSolution",
    "CollectedView",
    "Detection",
    "LoadedViews",
    "Offer",
    "VerticalError",
    "ViewCollector",
    "ViewResult",
    "collect",
    "coverage",
    "coverage_counts",
    "detect_board",
    "detect_view",
    "find_board_quickly",
    "find_pairs",
    "load_views",
    "matched_view",
    "solve_camera",
    "solve_stereo",
]
