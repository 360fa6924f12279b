"""Where frames come from: cameras, recordings, simulated rigs, and the thread that reads them."""

from depthstudio.cameras.camera_memory import CameraMemory
from depthstudio.cameras.capture import CaptureCounters, CaptureState, CaptureThread, ConsumerCounters
from depthstudio.cameras.opening import SourceInfo, list_cameras, list_sources, open_source
from depthstudio.cameras.recorder import Recorder
from depthstudio.cameras.source import Control, EndOfStream, FrameSource, PlaybackState, SourceMode, SourceStatus
from depthstudio.cameras.subscriptions import FrameQueue, NewestFrame

__all__ = [
    "CameraMemory",
    "CaptureCounters",
    "CaptureState",
    "CaptureThread",
    "ConsumerCounters",
    "Control",
    "EndOfStream",
    "FrameQueue",
    "FrameSource",
    "NewestFrame",
    "PlaybackState",
    "Recorder",
    "SourceInfo",
    "SourceMode",
    "SourceStatus",
    "list_cameras",
    "list_sources",
    "open_source",
]
