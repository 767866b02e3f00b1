"""Upstream: what the station shows and lets in. Sees the snapshot, never the blocks."""
