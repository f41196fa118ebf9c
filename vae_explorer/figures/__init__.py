"""Plotly figures from NumPy arrays."""
