"""Who is at the other end: a person, a machine, silence, a pause.  Pure."""
