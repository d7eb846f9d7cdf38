"""What time, size and cost are, measured: `make bench`."""
