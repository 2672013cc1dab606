"""Call a language model through Ollama."""
