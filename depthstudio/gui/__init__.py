"""The window: the only folder that imports Qt."""

import os

# torch's threads wait for each other by spinning. Beside a camera, a window and a training there are more threads than
# processors, and one that spins keeps the one it waits for from running: predictions then take ten times as long.
# OpenMP reads this once, when torch is loaded, hence before anything else.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
