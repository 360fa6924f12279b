"""``python -m depthstudio`` is the same as the ``depthstudio`` command."""

import sys

from depthstudio.cli import main

sys.exit(main())
