"""A model as functions on arrays, and all that can be asked of one: named tuples of arrays out.

May import `data`, and PyTorch as a calculator; which networks there are it does not know: `models` stands below.
"""
