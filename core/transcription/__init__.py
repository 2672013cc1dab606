"""A video → its transcript: captions or speech, with checkpoints and fallbacks."""
