"""Pictures of words and lines with their text: the training data of a recogniser."""
