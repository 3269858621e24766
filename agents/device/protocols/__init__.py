"""What battery monitors speak: one module for each protocol, bytes in and values out, no ports and no clocks."""
