"""What is left of the data's value."""
