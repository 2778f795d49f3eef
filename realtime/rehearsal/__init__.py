"""A call that is only rehearsed: a second session plays the other side."""
