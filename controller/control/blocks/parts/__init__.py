"""Parts that several blocks are made of: loop, ramp, band, one pump on its drive."""
