"""A separate Pulumi program: GitHub Actions previews and deploys the login."""
