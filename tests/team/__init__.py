"""A team's program with a resource of each type that deployment/service_types.py has."""
