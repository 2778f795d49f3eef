"""Quantities in a text: what they are (`model`), and how each language writes them.

`rewrite` puts digits in the place of spelled numbers, `rules` reads the result; one
module for each family of languages says which words there are.
"""
