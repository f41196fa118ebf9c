"""Models on disk: weights, configuration and provenance in one file, and tables beside it, each bound to what it is of.

May import `config`, `disk`, `text` and `models`, and PyTorch.
"""
