"""The first sentences of a call, and whether it may be recorded."""
