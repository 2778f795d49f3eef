"""One module per engine: what it can do and what is said to it.  Pure.

The sockets are the shell's (`realtime.sockets`).
"""
