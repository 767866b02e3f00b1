"""The rows of the safety table, a file for each subject, and what rows are made of."""
