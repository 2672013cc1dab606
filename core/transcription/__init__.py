"""Make transcripts from captions or speech, with checkpoints and fallbacks."""
