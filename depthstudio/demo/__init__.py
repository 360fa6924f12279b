"""The whole way on the simulated rig without a window: calibrate, record, fine-tune, evaluate, predict live, report."""

from depthstudio.demo.story import CALIBRATION_FILE, STEPS, DemoProgress, DemoResult, DemoScale, run_demo

__all__ = ["CALIBRATION_FILE", "STEPS", "DemoProgress", "DemoResult", "DemoScale", "run_demo"]
