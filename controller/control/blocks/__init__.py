"""Blocks: small classes with a settings model and a `step`. One file each: docstring, settings, block."""
