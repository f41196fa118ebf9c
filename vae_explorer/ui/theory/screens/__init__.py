"""The screens of the page Theory: words, state and parts of each; what they compute is in `vae_explorer.theory`."""
