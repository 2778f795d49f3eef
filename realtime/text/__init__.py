"""Words on their way: captions, typed text, replies to choose from, the text model."""
