"""What is measured of a model and kept: its terms, its curve over the KL weight, its table of gaps, its baselines.

May import all that stands above: `data`, `models`, `training`, `checkpoints` and `latent`.
"""
