"""What is checked about words: pure functions, each with its reasons, none with I/O.

`numbers` and `names` compare what was said with what was made of it, `speech` judges
what we are about to say, `invented` what a recogniser wrote where nobody spoke.
"""
