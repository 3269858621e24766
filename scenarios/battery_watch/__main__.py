"""`python -m scenarios.battery_watch …` is `orchestra run battery-watch …`."""

import sys

from cli.main import main

if __name__ == "__main__":
    main(["run", "battery-watch", *sys.argv[1:]])
