"""Weak supervision: characters that a teacher finds in words of which only box and text are known.

`labeler` runs the teacher, `cache` keeps what it found on disk, `reader` puts it into the samples.
"""
