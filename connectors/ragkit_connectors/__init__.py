"""Connectors that come with ragkit, loaded by entry point."""
