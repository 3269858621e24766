"""The bridge to battery hardware: what devices send becomes readings with a unit and a quality."""
