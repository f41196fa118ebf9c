"""Training: an iterator of epochs, its batches, the processes that share them. No printing, no saving, no screen.

May import `config`, `data` and `models`, and PyTorch.
"""
