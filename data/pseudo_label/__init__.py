"""Weak supervision: characters that a teacher finds in words of which only box and text are known.

`labeler` runs the teacher, `cache` stores its labels on disk, `reader` puts them into the samples.
"""
