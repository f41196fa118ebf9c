"""What keeps files whole: written at once or not at all, locked against others, set aside and brought back.

Knows nothing of images or models. May import the standard library.
"""
