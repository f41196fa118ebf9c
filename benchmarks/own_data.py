"""A zip of 10,000 PNG files of 28x28, read and kept as a data set: seconds, and memory against the data's size.

    VAE_EXPLORER_DATA=../shared/data python -m benchmarks.own_data

The images are MNIST's test part, or the bundled sample drawn from again and again. The zip is made first, and
the process that reads it is another one: its peak of resident memory, less what it had before with all imports
done, is compared with the array's size. The zip itself, which an app holds in memory too, is counted.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from vae_explorer import data
from vae_explorer.data import own

COUNT = 10_000


def make(path: Path, count: int) -> None:
    """Writes a zip of so many PNG files in ten folders."""
    images = data.load("mnist", "test")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for k in range(count):
            out = io.BytesIO()
            row = k % len(images.pixels)
            Image.fromarray(images.pixels[row]).save(out, "PNG")
            archive.writestr(f"digits/{images.labels[row]}/{k:05}.png", out.getvalue())


def read(path: Path) -> None:
    """Reads and keeps the zip, and prints what it took."""
    own.read(_small())  # whatever is loaded with the first image
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = _memory("VmRSS")
    begun = time.perf_counter()
    reports: list[float] = []
    upload = own.read(path.read_bytes(), progress=reports.append)
    between = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VAE_EXPLORER_DATA"] = folder
        data.add("benchmark", upload, own.Choices(), path.name, reports.append)
        kept = time.perf_counter()
    size = upload.pixels.nbytes
    grown = _memory("VmHWM") - before
    count = len(upload.pixels)
    print(
        f"{count:,} PNG files, zip of {path.stat().st_size / 1e6:.1f} MB, {len(upload.names)} classes, {upload.sizes}"
    )
    print(
        f"read in {between - begun:.2f} s, kept in {kept - between:.2f} s (wanted: under 15 s); {len(reports)} reports"
    )
    print(
        f"memory grew by {grown / 1e6:.1f} MB: {grown / size:.2f} times {size / 1e6:.1f} MB of data (wanted: under 3)"
    )


def _small() -> bytes:
    out = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28 * 50), dtype=np.uint8)
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def _memory(field: str) -> int:
    """Returns resident memory, bytes: now (VmRSS) or at its peak (VmHWM); getrusage's peak begins with the parent's."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split(f"{field}:")[1].split()[0])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--read", type=Path)
    options = parser.parse_args()
    if options.read:
        read(options.read)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digits.zip"
        make(path, options.count)
        subprocess.run([sys.executable, "-m", "benchmarks.own_data", "--read", str(path)], check=True)


if __name__ == "__main__":
    main()
