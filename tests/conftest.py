"""What holds for every test."""

import os

# Before PyTorch is imported, here and in what a test starts: threads of two tests at once that wait for each
# other's cores take ten times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")
