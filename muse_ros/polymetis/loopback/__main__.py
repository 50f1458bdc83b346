"""``python -m muse_ros.polymetis.loopback``."""

import sys

from muse_ros.polymetis.loopback.main import main

if __name__ == "__main__":
    sys.exit(main())
