/** @file NIfTI-1 and NIfTI-2: a volume of axial slices. */

import { VouchError } from "../errors.js";
import { optional } from "./optional.js";

export interface NiftiVolume {
  /** Slices from the feet up, rows from front to back, columns from the patient's right to the left, as DICOM prints them. */
  readonly shape: readonly [slices: number, rows: number, columns: number];
  /** slope · stored + intercept. */
  readonly data: Float32Array;
  readonly spacing: readonly [slices: number, rows: number, columns: number];
}

const GZIP = Uint8Array.of(0x1f, 0x8b);

/** Types of voxels that are read. @source nifti1.h, NIFTI_TYPE_… */
const types: Readonly<
  Record<number, readonly [bytes: number, get: (view: DataView, at: number, little: boolean) => number]>
> = {
  2: [1, (view, at) => view.getUint8(at)],
  4: [2, (view, at, little) => view.getInt16(at, little)],
  8: [4, (view, at, little) => view.getInt32(at, little)],
  16: [4, (view, at, little) => view.getFloat32(at, little)],
  64: [8, (view, at, little) => view.getFloat64(at, little)],
  256: [1, (view, at) => view.getInt8(at)],
  512: [2, (view, at, little) => view.getUint16(at, little)],
};

/**
 * Read a volume whose axes are those of the patient.
 *
 * @param bytes  .nii or .nii.gz
 * @throws format if it is damaged, of another type, not three-dimensional, turned against the patient's axes, or without spacing; file
 *   if nifti-reader-js is not installed
 * @source nifti1.h, methods 2 and 3 of the orientation
 */
export async function parseNifti(bytes: Uint8Array): Promise<NiftiVolume> {
  const nifti = await optional("parseNifti", "nifti-reader-js", () => import("nifti-reader-js"));
  const read = () => {
    try {
      const whole = new Uint8Array(bytes).buffer;
      const zipped = GZIP.every((byte, i) => bytes[i] === byte);
      const plain = zipped ? (new Uint8Array(nifti.decompress(whole)).buffer as ArrayBuffer) : whole;
      if (!nifti.isNIFTI(plain)) throw new Error("other bytes");
      const header = nifti.readHeader(plain);
      return { header, image: nifti.readImage(header, plain) };
    } catch (error) {
      const why = error instanceof Error ? error.message.split("\n")[0]! : String(error);
      throw Object.assign(refuse("an undamaged NIfTI file", why, "Check the file, or copy it again."), {
        cause: error,
      });
    }
  };
  const { header, image } = read();
  const { dims, affine, datatypeCode, littleEndian } = header;
  const [width, height, depth] = [dims[1] ?? 0, dims[2] ?? 0, dims[0]! >= 3 ? (dims[3] ?? 0) : 1];
  const more = dims.slice(4, dims[0]! + 1).some((n) => n > 1);
  if (width < 1 || height < 1 || depth < 1 || more) {
    throw refuse("two or three dimensions", `[${dims.slice(1, dims[0]! + 1).join(", ")}]`, "Give one volume.");
  }
  const type = types[datatypeCode];
  if (type === undefined) throw refuse("integers or floats", `datatype ${datatypeCode}`, "Save the volume as float32.");
  const spacing = [3, 2, 1].map((axis) => header.pixDims[axis]!) as [number, number, number];
  if (!spacing.slice(depth === 1 ? 1 : 0).every((mm) => mm >= 0.01 && mm <= 50)) {
    throw refuse("spacing of 0.01 to 50 mm", spacing.join(", "), "Export the volume again.");
  }
  const axes = [0, 1, 2].map((axis) => {
    const direction = [0, 1, 2].map((row) => affine[row]![axis]!);
    const length = Math.hypot(...direction);
    if (length > 0 && Math.abs(direction[axis]!) > 0.999 * length) return Math.sign(direction[axis]!);
    const got = `axis ${axis + 1} along (${direction.join(", ")})`;
    throw refuse("the axes of the patient, right–left, front–back, feet–head", got, "Reorient it: fslreorient2std.");
  });
  if (image.byteLength < width * height * depth * type[0]) {
    throw refuse(`${width * height * depth * type[0]} bytes of voxels`, `${image.byteLength}`, "Copy the file again.");
  }
  // A slope of 0 says that there is none.
  const scaled = header.scl_slope !== 0 && Number.isFinite(header.scl_slope);
  const [slope, intercept] = scaled ? [header.scl_slope, header.scl_inter] : [1, 0];
  const view = new DataView(image);
  const data = new Float32Array(width * height * depth);
  // The file's x grows to the right, y to the front, z to the head; columns grow to the left, rows to the back.
  const turned = (index: number, count: number, flip: boolean) => (flip ? count - 1 - index : index);
  for (let k = 0, at = 0; k < depth; k++)
    for (let i = 0; i < height; i++)
      for (let j = 0; j < width; j++) {
        const [z, y, x] = [
          turned(k, depth, axes[2]! < 0),
          turned(i, height, axes[1]! > 0),
          turned(j, width, axes[0]! > 0),
        ];
        const voxel = ((z * height + y) * width + x) * type[0];
        data[at++] = slope * type[1](view, voxel, littleEndian) + intercept;
      }
  return { shape: [depth, height, width], data, spacing };
}

function refuse(expected: string, got: string, remedy: string): VouchError {
  return new VouchError("format", { name: "parseNifti", expected, got, remedy });
}
