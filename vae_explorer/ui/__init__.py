"""The Streamlit layer: nothing below it imports Streamlit."""

import os

# One image at a time gains nothing from threads, and where the cores are busy (fifty students' sessions,
# a training run) threads that wait for each other cost ten times: 1.7 s instead of 0.15 s for 10,000 codes.
# PyTorch reads this when it is first imported, which is below this line.
os.environ.setdefault("OMP_NUM_THREADS", "1")
