"""Write test/golden/png.json: .png files made by Pillow, in base64, with their values.

    python3 bench/peers/golden_png.py
"""

import base64
import io
import json
import pathlib

import numpy as np
import PIL
from PIL import Image


def saved(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


rng = np.random.default_rng(0)
grey = {
    "8 bit": rng.integers(0, 256, (5, 7), dtype=np.uint8),
    # Smooth, so that the encoder filters the rows.
    "8 bit ramp": np.add.outer(np.arange(33), 2 * np.arange(40)).astype(np.uint8),
    "16 bit": rng.integers(0, 65536, (6, 3), dtype=np.uint16),
    "16 bit ramp": np.add.outer(900 * np.arange(33), 500 * np.arange(40)).astype(np.uint16),
}
colour = Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8))
other = {
    "RGB": colour,
    "grey with alpha": colour.convert("LA"),
    "palette": colour.quantize(4),
    "1 bit": colour.convert("1"),
}
golden = {
    "source": f"Pillow {PIL.__version__}",
    "grey": {name: {"file": saved(Image.fromarray(a)), "values": a.tolist()} for name, a in grey.items()},
    "other": {name: saved(image) for name, image in other.items()},
}
out = pathlib.Path(__file__).parents[2] / "test" / "golden" / "png.json"
out.write_text(json.dumps(golden) + "\n")
