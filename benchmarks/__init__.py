"""Whole training steps, ours and others', timed side by side: `python -m benchmarks`."""
