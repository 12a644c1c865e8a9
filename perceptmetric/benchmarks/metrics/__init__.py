"""Metrics as a benchmark sees them: ours, and those that others use."""
