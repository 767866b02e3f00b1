"""Models of the parts of a heat station: SI inside, one component a file, plain floats."""
