"""What is counted of a call: its cost, and how late its words are."""
