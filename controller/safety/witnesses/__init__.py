"""Which measured value is believed, and what stands in for one that is not."""
