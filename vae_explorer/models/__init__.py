"""Networks and what they are made of: an autoencoder as three distributions, and what it is judged by.

May import `config`, and PyTorch.
"""
