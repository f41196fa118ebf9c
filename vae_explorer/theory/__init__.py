"""What a lecture on VAEs says, computed on a trained model: pure functions, named tuples of arrays out.

May import `latent`, `models`, `checkpoints` and `measured`; PyTorch as a calculator, and for gradients of networks.
"""
