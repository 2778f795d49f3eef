"""Between the telephone and the engines: clock, ear, playout, keys, recording."""
