"""Lets GitHub preview and deploy the login: a Pulumi program of its own."""
