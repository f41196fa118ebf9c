"""Networks and what they are made of: an autoencoder as three distributions, and what it is judged by.

May import `config`, PyTorch, and of `latent` the interface that `arrays` puts a network behind.
"""
