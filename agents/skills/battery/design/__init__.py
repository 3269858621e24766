"""The monitor itself: parts, wires and pins, what each way of measuring is worth, what may fail, what it costs."""
