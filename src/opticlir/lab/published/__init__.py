"""Published results of other people's models: what they say about the gap between languages."""
