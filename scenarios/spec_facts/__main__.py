"""`python -m scenarios.spec_facts …` is `orchestra run spec-facts …`."""

import sys

from cli.main import main

if __name__ == "__main__":
    main(["run", "spec-facts", *sys.argv[1:]])
