"""The lab's voice and ear: a synthesiser and a phrasebook matcher.

It knows the speech of one synthesiser and a few dozen phrases.  It is a measuring
instrument for the line, never speech recognition.
"""
