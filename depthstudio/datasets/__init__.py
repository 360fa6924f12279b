"""Recording sessions and other layouts on disk, label masks, splits and samples for training."""

from depthstudio.datasets.labels import LabelMask, LabelMaskSettings, MaskStatistics, mask_label
from depthstudio.datasets.samples import (
    CachedSamples,
    CombinedSamples,
    SampleSource,
    SampleSubset,
    SessionSamples,
    StereoSample,
    open_samples,
)
from depthstudio.datasets.session import Session, SessionWriter, list_sessions
from depthstudio.datasets.split import Split, split_by_order, split_by_session

__all__ = [
    "CachedSamples",
    "CombinedSamples",
    "LabelMask",
    "LabelMaskSettings",
    "MaskStatistics",
    "SampleSource",
    "SampleSubset",
    "Session",
    "SessionSamples",
    "SessionWriter",
    "Split",
    "StereoSample",
    "list_sessions",
    "mask_label",
    "open_samples",
    "split_by_order",
    "split_by_session",
]
