"""A question and passages → an answer with checked citations and suggested questions."""
