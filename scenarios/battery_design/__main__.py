"""`python -m scenarios.battery_design …` is `orchestra run battery-design …`."""

import sys

from cli.main import main

if __name__ == "__main__":
    main(["run", "battery-design", *sys.argv[1:]])
