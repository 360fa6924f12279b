"""Calibrating a stereo pair from views of a printed board: detection, collecting views, solving, judging. Qt-free."""

from depthstudio.calibration.board import BOARD_KINDS, Board, BoardKind
from depthstudio.calibration.camera import CameraSolution, solve_camera
from depthstudio.calibration.collector import CollectedView, Offer, ViewCollector, collect
from depthstudio.calibration.corner_files import find_corner_file, load_corners
from depthstudio.calibration.coverage import coverage, coverage_counts
from depthstudio.calibration.detected import Detection
from depthstudio.calibration.detection import detect_board, find_board_quickly
from depthstudio.calibration.pairs import LoadedImages, LoadedViews, find_pairs, load_images, load_views
from depthstudio.calibration.solution import CalibrationSolution, VerticalError, ViewResult
from depthstudio.calibration.solve import SolveOptions, solve_stereo
from depthstudio.calibration.steps import CalibrationStopped
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
    "LoadedImages",
    "LoadedViews",
    "Offer",
    "SolveOptions",
    "VerticalError",
    "ViewCollector",
    "ViewResult",
    "collect",
    "coverage",
    "coverage_counts",
    "detect_board",
    "detect_view",
    "find_board_quickly",
    "find_corner_file",
    "find_pairs",
    "load_corners",
    "load_images",
    "load_views",
    "matched_view",
    "solve_camera",
    "solve_stereo",
]
