"""Depth from a stereo pair: python depth.py left.png right.png [out.npy]; see README.md."""

import sys
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

here = Path(__file__).parent
network = onnxruntime.InferenceSession(str(here / "network.onnx"), providers=["CPUExecutionProvider"])
rig = dict(np.load(here / "rectification.npz")) if (here / "rectification.npz").exists() else {}


def as_input(image, side):
    """One side's (H, W, 3) BGR bytes as the network wants them."""
    if f"{side}_map_x" in rig:  # the cameras' own images become a rectified pair: rows match
        image = cv2.remap(image, rig[f"{side}_map_x"], rig[f"{side}_map_y"], cv2.INTER_LINEAR)
    return cv2.dnn.blobFromImage(image, 1 / 255, swapRB=True)  # BGR bytes -> 1x3xHxW float32 RGB in 0..1


def disparity_of(left, right):
    """(H, W) float32 px of the rectified left view, from (H, W, 3) BGR bytes as cv2.imread gives them."""
    return network.run(["disparity"], {"left": as_input(left, "left"), "right": as_input(right, "right")})[0][0]


if __name__ == "__main__":
    disparity = disparity_of(*(cv2.imread(path) for path in sys.argv[1:3]))
    out = Path(sys.argv[3] if len(sys.argv) > 3 else "disparity.npy")
    np.save(out, disparity)
    print(f"{out}: {disparity.shape[1]}x{disparity.shape[0]} px, disparity up to {disparity.max():.1f} px")
    if "focal_px" in rig:  # metres; without a rig the focal length and the baseline are unknown
        depth = rig["focal_px"] * rig["baseline_m"] / np.maximum(disparity + rig["disparity_shift_px"], 1e-3)
        cv2.imwrite(str(out.with_name("depth_mm.png")), np.clip(1000 * depth, 0, 65535).astype(np.uint16))
        print(f"depth_mm.png: 16 bit, median {np.median(depth):.3f} m")
