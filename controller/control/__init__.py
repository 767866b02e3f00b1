"""Control: blocks, and circuits composed of them. Synchronous, no I/O, no clock, never asyncio."""
