"""What the event log tells: questions, replay, checks, exports."""
