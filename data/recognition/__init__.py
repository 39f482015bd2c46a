"""Pictures of words and lines with their text: what a recogniser learns from."""
