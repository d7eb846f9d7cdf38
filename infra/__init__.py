"""The Pulumi components of the login. Each docstring says in one sentence what its component guarantees."""
