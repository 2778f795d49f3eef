"""Wire formats: bytes or str in, frozen data out, and back.  Pure."""
