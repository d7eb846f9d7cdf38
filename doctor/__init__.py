"""`python -m doctor`: find what prevents users from signing in, and how to fix it."""
