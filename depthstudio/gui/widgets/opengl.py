"""Whether 3-D views can work here."""

from __future__ import annotations

import importlib
from functools import cache

from PySide6.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext


@cache
def opengl_problem() -> str:
    """Why there are no 3-D views, as a sentence; empty when there are."""
    try:
        importlib.import_module("pyqtgraph.opengl")
    except (ImportError, OSError, AttributeError) as error:
        return f"OpenGL cannot be loaded: {error}."
    if QGuiApplication.platformName() in ("offscreen", "minimal"):
        return "This display has no OpenGL."
    context = QOpenGLContext()
    if not context.create():
        return "The graphics driver offers no OpenGL."
    surface = QOffscreenSurface()
    surface.setFormat(context.format())
    surface.create()
    if not context.makeCurrent(surface):
        return "The graphics driver refuses OpenGL."
    context.doneCurrent()
    return ""
