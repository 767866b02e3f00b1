"""What the supply set-point is made of, and what limits it."""
