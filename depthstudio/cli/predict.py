"""``depthstudio predict``: disparity of one pair of image files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def add_verbs(verbs: argparse._SubParsersAction) -> None:
    """Register this module's verbs."""
    verb = verbs.add_parser(
        "predict",
        help="disparity of one pair of images",
        description="Writes float32 px at the input's size (.npy, .pfm), or 16-bit px * 256, 0 = none, as KITTI does "
        "(.png). Without --calibration the pair is taken as rectified.",
    )
    verb.add_argument("left", type=Path, metavar="LEFT")
    verb.add_argument("right", type=Path, metavar="RIGHT")
    verb.add_argument("-o", "--output", required=True, type=Path, metavar="OUT", help=".npy, .pfm or .png")
    verb.add_argument("--network", default="depthstudio-s", metavar="NAME|FILE|RUN", help="default: depthstudio-s")
    verb.add_argument("--calibration", type=Path, metavar="C.npz", help="rectifies the pair first")
    verb.add_argument("--max-disparity", type=int, metavar="PX", help="largest disparity searched, at most 320")
    verb.add_argument("--half-resolution", action="store_true", help="twice the reach, four times as fast, less detail")
    verb.add_argument("--backend", default="torch", help="torch, onnxruntime, openvino, or auto (measures each once)")
    verb.add_argument("--device", default="auto", help="auto, cpu or cuda")
    verb.set_defaults(run=_predict)


def _predict(arguments: argparse.Namespace) -> int:
    import numpy as np

    from depthstudio.datasets.disparity_file import check_suffix, write_disparity
    from depthstudio.geometry import Rectifier, StereoCalibration
    from depthstudio.storage import check_target

    check_suffix(arguments.output)
    check_target(arguments.output)
    left, right = _read(arguments.left), _read(arguments.right)
    rectifier = None
    if arguments.calibration is not None:
        rectifier = Rectifier(StereoCalibration.load(arguments.calibration), (left.shape[1], left.shape[0]))

    from depthstudio.inference import Predictor
    from depthstudio.models import resolve_network
    from depthstudio.workspace import Workspace

    file = resolve_network(arguments.network, Workspace.find(arguments.workspace))
    predictor = Predictor(
        file,
        rectifier,
        arguments.device,
        max_disparity=arguments.max_disparity,
        backend=arguments.backend,
        half_resolution=arguments.half_resolution,
    )
    prediction = predictor.predict(left, right)
    for note in predictor.notes:
        print(note)
    loss = write_disparity(arguments.output, prediction.disparity_px)
    height, width = prediction.disparity_px.shape
    low, high = np.percentile(prediction.disparity_px, (1, 99))
    print(
        f"{arguments.output}: {width}x{height} px, disparity mostly {low:.1f} to {high:.1f} px, "
        f"{predictor.name}, {prediction.inference_ms:.0f} ms"
    )
    if loss:
        print(f"Warning: {loss}")
    return 0


def _read(path: Path) -> NDArray[np.uint8]:
    """(H, W) or (H, W, 3) RGB; 16-bit images keep their upper half."""
    import numpy as np

    from depthstudio.datasets.session_format import read_pixels
    from depthstudio.errors import DatasetError

    pixels = read_pixels(path)
    if pixels.dtype == np.uint16:
        pixels = pixels >> 8
    if pixels.ndim not in (2, 3) or pixels.dtype.kind not in "u":
        raise DatasetError(f"{path} is no image.", f"It holds {pixels.dtype} {pixels.shape}.")
    return pixels.astype(np.uint8)
