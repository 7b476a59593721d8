"""The HTTP service: routes, limits, tenants."""
