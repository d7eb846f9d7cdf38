"""The functions of a shop."""
