"""The whole service over real sockets and pseudo-terminals, on the stepped clock."""
