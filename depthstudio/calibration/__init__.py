"""Boards, detection, view selection and solving: from pictures of a board to a StereoCalibration."""
