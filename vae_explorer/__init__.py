"""VAE Explorer: see, touch and measure the latent space of a real autoencoder."""

__version__ = "0.1.0"
