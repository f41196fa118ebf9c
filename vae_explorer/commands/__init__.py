"""The commands of python -m vae_explorer, in files of their own: what each understands, and what it does."""
