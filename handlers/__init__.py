"""What Lambda runs: one module a function, and what several of them share."""
