"""Somebody calls one of our numbers, and the agent answers.  Pure."""
