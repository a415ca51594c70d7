"""Malformed input: damaged bytes of a file, and sound files with contents that cannot be."""
