"""Pure audio: arrays in, arrays out.  No clock, no sockets, no Django."""
