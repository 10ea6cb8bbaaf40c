"""Write test/golden/volumes.json: tiny DICOM, NIfTI and HDF5 files made and read by pydicom, nibabel and h5py, and images shrunk by
Pillow; files in base64.

    pip install pydicom nibabel h5py pillow
    python3 bench/peers/golden_volumes.py
"""

import base64
import gzip
import io
import json
import pathlib
import tempfile

import h5py
import nibabel
import numpy as np
import PIL
import pydicom
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import apply_modality_lut
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

rng = np.random.default_rng(0)
encoded = lambda data: base64.b64encode(data).decode()


def slice_of(stored, syntax, **tags):
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = "1.2.3.4"
    dataset.SeriesInstanceUID = "1.2.3"
    dataset.Modality = "CT"
    dataset.PatientID = "P7"
    dataset.PixelSpacing = [0.7, 0.7]
    dataset.ImagePositionPatient = [-10.5, 3, -42.25]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = stored.shape
    dataset.BitsAllocated = 16
    dataset.BitsStored = 12
    dataset.HighBit = 11
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    dataset.RescaleSlope = "1"
    dataset.RescaleIntercept = "-1024"
    dataset.update(tags)
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    dataset.PixelData = stored.astype(stored.dtype.newbyteorder(order)).tobytes()
    if syntax == RLELossless:
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.compress(RLELossless)
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    read = pydicom.dcmread(io.BytesIO(file.getvalue()))
    return {
        "file": encoded(file.getvalue()),
        "shape": list(stored.shape),
        "hu": apply_modality_lut(read.pixel_array, read).astype(float).ravel().tolist(),
        "position": float(read.ImagePositionPatient[2]),
    }


unsigned = rng.integers(0, 4096, (5, 7), dtype=np.uint16)
signed = rng.integers(-2048, 2048, (4, 4), dtype=np.int16)
dicom = {
    "implicit, unsigned": slice_of(unsigned, ImplicitVRLittleEndian),
    "explicit, signed": slice_of(signed, ExplicitVRLittleEndian),
    "deflated, slope 0.5": slice_of(unsigned, DeflatedExplicitVRLittleEndian, RescaleSlope="0.5"),
    "MONOCHROME1": slice_of(unsigned, ExplicitVRLittleEndian, PhotometricInterpretation="MONOCHROME1"),
    "16 bits, signed": slice_of(signed, ImplicitVRLittleEndian, BitsStored=16, HighBit=15),
    "refused: Explicit VR Big Endian": slice_of(unsigned, ExplicitVRBigEndian),
    "refused: RLE Lossless": slice_of(unsigned, RLELossless),
}


def volume_of(stored, affine, slope=None, inter=None, zipped=False, big=False):
    header = nibabel.Nifti1Header(endianness=">" if big else "<")
    header.set_data_dtype(stored.dtype)
    image = nibabel.Nifti1Image(stored, np.diag([*affine, 1.0]), header)
    image.header.set_slope_inter(slope, inter)
    data = image.to_bytes()
    # Scaled values, as RAS+; DICOM prints rows from front to back and columns from right to left.
    scaled = nibabel.as_closest_canonical(nibabel.Nifti1Image.from_bytes(data)).get_fdata()
    printed = scaled[::-1, ::-1, :].transpose(2, 1, 0)
    return {
        "file": encoded(gzip.compress(data) if zipped else data),
        "shape": list(printed.shape),
        "data": printed.ravel().tolist(),
        "spacing": [abs(affine[2]), abs(affine[1]), abs(affine[0])],
    }


block = rng.integers(-1024, 2000, (4, 3, 2), dtype=np.int16)
nifti = {
    "RAS, int16": volume_of(block, (0.5, 0.75, 2.0)),
    "LPS, zipped": volume_of(block, (-0.5, -0.75, 2.0), zipped=True),
    "LAI, float32": volume_of(block.astype("f4") + 0.25, (-0.5, 0.75, -2.0)),
    "slope and intercept": volume_of(block, (0.5, 0.75, 2.0), slope=0.5, inter=-100),
    "square": volume_of(np.arange(288, dtype="i2").reshape(12, 12, 2) * 4 - 1000, (0.75, 0.75, 2.0)),
    "big endian": volume_of(block, (0.5, -0.75, 2.0), big=True),
}


def dataset_of(values, **options):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "a.hdf5"
        with h5py.File(path, "w") as file:
            file.create_dataset("data", data=values, **options)
        return {"file": encoded(path.read_bytes()), "shape": list(values.shape), "data": values.ravel().tolist()}


floats = rng.integers(0, 1 << 20, (3, 4, 5)).astype("f4") / (1 << 20)
hdf5 = {
    "float32, contiguous": dataset_of(floats),
    "float32, chunked": dataset_of(floats, chunks=(2, 3, 3)),
    "float32, gzip": dataset_of(floats, compression="gzip"),
    "float64": dataset_of(floats.astype("f8")),
    "uint16": dataset_of(rng.integers(0, 65536, (2, 3), dtype=np.uint16)),
}

# Counts of 1/4096, whose sums are exact in float32.
picture = rng.integers(0, 4096, (29, 29)).astype("f4") / 4096
box = lambda side: np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BOX))
shrunk = {str(side): box(side).ravel().tolist() for side in (1, 2, 4, 7, 8, 13, 14, 20, 28, 29)}

versions = [f"{module.__name__} {module.__version__}" for module in (pydicom, nibabel, h5py, PIL)]
golden = {
    "source": ", ".join(versions),
    **{"dicom": dicom, "nifti": nifti, "hdf5": hdf5},
    "shrink": {"image": picture.ravel().tolist(), "to": shrunk},
}
out = pathlib.Path(__file__).parents[2] / "test" / "golden" / "volumes.json"
out.write_text(json.dumps(golden) + "\n")
