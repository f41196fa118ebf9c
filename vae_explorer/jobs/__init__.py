"""Runs in the background: a folder each, the process that trains, what it reports, and what that means.

May import all that stands above but `figures`. PyTorch stays in `runs` and `estimates`: a page lists runs without it.
"""
