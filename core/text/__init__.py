"""What several rooms do with words: tokens, key words, text for display, safe text."""
