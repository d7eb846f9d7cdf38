"""The components of the login, each one promise."""
