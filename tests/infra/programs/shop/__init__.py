"""A service of a team's."""
