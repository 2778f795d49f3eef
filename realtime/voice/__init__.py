"""The system's own voice, and whether it said what it was given to say."""
