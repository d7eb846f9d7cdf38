"""`python -m doctor`: what keeps people from signing in at a stack, and the fix."""
