"""Text tools that several rooms share: tokens, keywords, sentences, display, safe text."""
