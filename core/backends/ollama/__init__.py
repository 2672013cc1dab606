"""A language model behind Ollama."""
