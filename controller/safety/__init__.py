"""Safety: what is believed of the inputs, the table with the last word, and the output stage."""
