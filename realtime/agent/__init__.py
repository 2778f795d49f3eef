"""The AI makes a call for the caller: what it knows, decides, says, may do.  Pure."""
