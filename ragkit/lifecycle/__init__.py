"""What cuts across stages."""
