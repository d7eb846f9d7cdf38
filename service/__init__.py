"""The team's functions, one file each: examples to replace."""
