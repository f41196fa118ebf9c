"""VAE Explorer: see, touch and measure the latent space of a real autoencoder."""

import os

__version__ = "0.1.0"

# Threads that wait for each other sleep instead of spinning, which takes the core from the one they wait for wherever
# cores are shared: an epoch of MNIST took 90 s instead of 10. PyTorch's OpenMP reads this when it is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
