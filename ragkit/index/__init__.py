"""Chunks, vectors and the disposable generations."""
