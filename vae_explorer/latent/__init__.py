"""All that can be asked of a trained model: arrays in, named tuples of arrays out."""
