"""The child process of `BackgroundRenderer`: python -m depthstudio.cameras.simulated URL FIRST STEP."""

import sys

from depthstudio.cameras.simulated.prerender import fill

fill(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
