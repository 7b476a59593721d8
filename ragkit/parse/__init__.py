"""Bytes to documents: one room of code a family of formats, run in a confined child process."""
