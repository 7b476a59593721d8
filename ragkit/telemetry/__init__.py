"""Spans and counters by the OpenTelemetry GenAI conventions, without content."""
