"""What every call of a language model shares: prompts, replies as JSON, who may call when."""
