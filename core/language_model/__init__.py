"""What all calls of a language model share: prompts, JSON replies, context budget, priority."""
