"""Core in the loop: scan and plant stepped together, no sockets."""
