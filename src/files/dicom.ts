/** @file DICOM: one axial CT slice in Hounsfield units, and slices that are one series. */

import { VouchError } from "../errors.js";
import { optional } from "./optional.js";

export interface DicomSlice {
  readonly rows: number;
  readonly columns: number;
  /** Hounsfield units, row by row; padding is air. */
  readonly hu: Float32Array;
  /** Millimetres between rows and between columns. */
  readonly spacing: readonly [rows: number, columns: number];
  /** Millimetres along the normal of the slices. */
  readonly position: number;
  /** Patient ID, "" where it was removed. */
  readonly patient: string;
  /** Series and SOP Instance UID, "" where there is none. */
  readonly series: string;
  readonly instance: string;
}

/** The file's preamble ends with DICM. */
export function isDicom(bytes: Uint8Array): boolean {
  return bytes.length >= 132 && String.fromCharCode(...bytes.subarray(128, 132)) === "DICM";
}

/** Transfer syntaxes that are read, and the names of others. @source DICOM PS3.6 2024, Annex A */
const READ = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"];
const OTHERS: Readonly<Record<string, string>> = {
  "1.2.840.10008.1.2.2": "Explicit VR Big Endian",
  "1.2.840.10008.1.2.4.50": "JPEG Baseline",
  "1.2.840.10008.1.2.4.51": "JPEG Extended",
  "1.2.840.10008.1.2.4.57": "JPEG Lossless",
  "1.2.840.10008.1.2.4.70": "JPEG Lossless, first-order prediction",
  "1.2.840.10008.1.2.4.80": "JPEG-LS Lossless",
  "1.2.840.10008.1.2.4.81": "JPEG-LS Near-Lossless",
  "1.2.840.10008.1.2.4.90": "JPEG 2000 Lossless",
  "1.2.840.10008.1.2.4.91": "JPEG 2000",
  "1.2.840.10008.1.2.4.201": "High-Throughput JPEG 2000 Lossless",
  "1.2.840.10008.1.2.5": "RLE Lossless",
};

/** No tissue, and no metal a scanner can tell, is outside this. */
const HU = { least: -10_000, most: 100_000 };
const AIR = -1000;
/** Cosine between the normal of a slice and the body's axis: gantries tilt by at most 30°. */
const AXIAL = 0.85;

/**
 * Read an axial CT slice.
 *
 *     HU = slope · stored + intercept
 *
 * Stored values take BitsStored bits, with sign where PixelRepresentation is 1. The photometric interpretation, MONOCHROME1 or 2, is
 * how they are shown and does not change them. Pixels of the padding value are air.
 *
 * @throws format, naming the tag, if the file is damaged, not an axial CT slice, compressed, or a tag it needs is missing or absurd;
 *   file if dcmjs is not installed
 * @source DICOM PS3.3 2024, C.7.5.1, C.7.6.2, C.7.6.3, C.8.2.1 and C.11.1
 */
export async function parseDicom(bytes: Uint8Array): Promise<DicomSlice> {
  if (!isDicom(bytes)) throw refuse("a DICOM file", "other bytes", "Check the file.");
  const tags = tagsOf(await elements(bytes));
  tags.word("00080060", "Modality", ["CT"], "Give a CT series.");
  tags.word("00280004", "PhotometricInterpretation", ["MONOCHROME1", "MONOCHROME2"], "Give a grey CT slice.");
  if (tags.has("00281054")) tags.word("00281054", "RescaleType", ["HU"], "Give a series in Hounsfield units.");
  if (tags.has("00280008")) tags.number("00280008", "NumberOfFrames", (n) => n === 1, "1");
  tags.number("00280002", "SamplesPerPixel", (n) => n === 1, "1");
  tags.number("00280100", "BitsAllocated", (n) => n === 16, "16");
  const side = (n: number) => Number.isInteger(n) && n >= 1 && n <= 8192;
  const rows = tags.number("00280010", "Rows", side, "from 1 to 8192");
  const columns = tags.number("00280011", "Columns", side, "from 1 to 8192");
  const bits = tags.number("00280101", "BitsStored", (n) => Number.isInteger(n) && n >= 1 && n <= 16, "from 1 to 16");
  tags.number("00280102", "HighBit", (n) => n === bits - 1, `BitsStored − 1, ${bits - 1}`);
  const signed = tags.number("00280103", "PixelRepresentation", (n) => n === 0 || n === 1, "0 or 1") === 1;
  const slope = tags.number("00281053", "RescaleSlope", (n) => n > 0, "above 0");
  const intercept = tags.number("00281052", "RescaleIntercept", () => true, "a number");
  const millimetres = (n: number) => n >= 0.01 && n <= 10;
  const spacing = tags.numbers("00280030", "PixelSpacing", 2, millimetres, "of 0.01 to 10 mm, twice");
  const place = tags.numbers("00200032", "ImagePositionPatient", 3, () => true, "of three numbers");
  const normal = normalOf(
    tags.numbers("00200037", "ImageOrientationPatient", 6, (n) => Math.abs(n) <= 1.001, "of six cosines"),
  );

  const unused = 16 - bits;
  const decode = signed ? (v: number) => (v << (16 + unused)) >> (16 + unused) : (v: number) => v & (0xffff >> unused);
  const [low, high] = tags.has("00280120") ? padding(tags, decode) : [1, 0];
  const view = new DataView(tags.pixels(2 * rows * columns));
  const hu = Float32Array.from({ length: rows * columns }, (_, p) => {
    const stored = decode(view.getUint16(2 * p, true));
    return stored >= low && stored <= high ? AIR : slope * stored + intercept;
  });
  const absurd = hu.find((value) => value < HU.least || value > HU.most);
  if (absurd !== undefined) {
    const remedy = "Check RescaleSlope and RescaleIntercept.";
    throw refuse(`Hounsfield units from ${HU.least} to ${HU.most}`, `${absurd}`, remedy);
  }
  return {
    ...{ rows, columns, hu, spacing: [spacing[0]!, spacing[1]!], position: dot(normal, place) },
    ...{ patient: tags.text("00100020"), series: tags.text("0020000E"), instance: tags.text("00080018") },
  };
}

type Elements = Readonly<Record<string, { readonly Value?: readonly unknown[] }>>;

/** Elements by tag, of a file whose transfer syntax is read. */
async function elements(bytes: Uint8Array): Promise<Elements> {
  const { default: dcmjs } = await optional("parseDicom", "dcmjs", () => import("dcmjs"));
  const loggers = [dcmjs.log, dcmjs.log.getLogger("validation.dcmjs")];
  const levels = loggers.map((logger) => logger.getLevel());
  for (const logger of loggers) logger.setLevel("silent", false);
  const read = (options: object) => dcmjs.data.DicomMessage.readFile(new Uint8Array(bytes).buffer, options);
  try {
    // The group of the transfer syntax first: the rest of another cannot be read, or is read wrong.
    const { meta } = read({ untilTag: "00080000", stopOnGreaterTag: true });
    const syntax = String(meta["00020010"]?.Value?.[0] ?? "none").replace(/[\0 ]/g, "");
    if (READ.includes(syntax)) return read({}).dict;
    const name = OTHERS[syntax] ? `${OTHERS[syntax]}, ${syntax}` : syntax;
    throw refuse("an uncompressed little-endian transfer syntax", name, "Decompress it: gdcmconv --raw.");
  } catch (error) {
    if (error instanceof VouchError) throw error;
    const why = error instanceof Error ? error.message.split("\n")[0]! : String(error);
    throw Object.assign(refuse("an undamaged DICOM file", why, "Copy the file again."), { cause: error });
  } finally {
    loggers.forEach((logger, i) => {
      logger.setLevel(levels[i]!, false);
    });
  }
}

/** Reads tags, and refuses what is missing or absurd by the tag's name. */
function tagsOf(dict: Elements) {
  const values = (tag: string) => dict[tag]?.Value ?? [];
  const text = (tag: string) => String(values(tag)[0] ?? "").trim();
  const named = (tag: string, name: string) => `${name} (${tag.slice(0, 4)},${tag.slice(4)})`;
  const numbers = (tag: string, name: string, count: number, fits: (value: number) => boolean, expected: string) => {
    const all = values(tag);
    const found = all.map((value) => (value === "" || value === null ? Number.NaN : Number(value)));
    if (found.length === count && found.every((value) => Number.isFinite(value) && fits(value))) return found;
    const got = all.length === 0 ? "none" : all.join(", ");
    throw refuse(`${named(tag, name)} ${expected}`, got, "Export the series again from its source.");
  };
  return {
    text,
    numbers,
    has: (tag: string) => values(tag).length > 0,
    number: (tag: string, name: string, fits: (value: number) => boolean, expected: string) =>
      numbers(tag, name, 1, fits, expected)[0]!,
    word(tag: string, name: string, words: readonly string[], remedy: string) {
      if (!words.includes(text(tag)))
        throw refuse(`${named(tag, name)} ${words.join(" or ")}`, text(tag) || "none", remedy);
    },
    /** Bytes of the one frame; a byte of filling may follow. */
    pixels(length: number): ArrayBuffer {
      const [stored] = values("7FE00010");
      if (stored instanceof ArrayBuffer && (stored.byteLength === length || stored.byteLength === length + 1))
        return stored;
      const got = stored instanceof ArrayBuffer ? `${stored.byteLength}` : "none";
      throw refuse(`${length} bytes of PixelData (7FE0,0010), as Rows × Columns`, got, "Copy the file again.");
    },
  };
}

/** Stored values from the padding value to its limit. The sign is that of the pixels, whatever the tag's own type. */
function padding(tags: ReturnType<typeof tagsOf>, decode: (v: number) => number): [low: number, high: number] {
  const value = (tag: string, name: string) =>
    decode(tags.number(tag, name, Number.isInteger, "a whole number") & 0xffff);
  const one = value("00280120", "PixelPaddingValue");
  const other = tags.has("00280121") ? value("00280121", "PixelPaddingRangeLimit") : one;
  return [Math.min(one, other), Math.max(one, other)];
}

/** The normal of a slice from the cosines of its row and column. @throws format if they are no right angle, or it is not axial */
function normalOf(cosines: readonly number[]): number[] {
  const [row, column] = [cosines.slice(0, 3), cosines.slice(3)];
  const square = [dot(row, row) - 1, dot(column, column) - 1, dot(row, column)].every((v) => Math.abs(v) < 0.01);
  const [a, b, c, d, e, f] = cosines as [number, number, number, number, number, number];
  const normal = [b * f - c * e, c * d - a * f, a * e - b * d];
  if (square && Math.abs(normal[2]!) >= AXIAL) return normal;
  const expected = `ImageOrientationPatient (0020,0037) of ${square ? "an axial slice" : "two directions at a right angle"}`;
  throw refuse(expected, cosines.join(", "), "Leave scouts and reformatted series out.");
}

/**
 * The slices of one series, in order along their normal.
 *
 * @param names  of their files, for errors
 * @throws format if they are of several series or patients, or two are in one place; shape if they differ in size or spacing
 */
export function dicomSeries(slices: readonly DicomSlice[], names: readonly string[]): DicomSlice[] {
  const [first] = slices;
  const fail = (code: "format" | "shape", expected: string, got: string, remedy: string) =>
    new VouchError(code, { name: "dicomSeries", expected, got, remedy });
  if (first === undefined) throw fail("format", "a series of at least one slice", "none", "Name its folder.");
  slices.forEach((slice, i) => {
    const same = (code: "format" | "shape", what: string, a: string, b: string) => {
      const expected = `one series: ${names[i]} with the ${what} of ${names[0]}, ${a}`;
      if (a !== b) throw fail(code, expected, b, "Put one series in a folder.");
    };
    same("format", "patient", first.patient, slice.patient);
    same("format", "series", first.series, slice.series);
    same("shape", "size", `${first.rows} × ${first.columns}`, `${slice.rows} × ${slice.columns}`);
    same("shape", "pixel spacing", first.spacing.join(" × "), slice.spacing.join(" × "));
  });
  const order = slices.map((_, i) => i).sort((a, b) => slices[a]!.position - slices[b]!.position);
  order.forEach((i, n) => {
    const before = order[n - 1];
    if (before === undefined || slices[i]!.position - slices[before]!.position > APART) return;
    const got = `${names[before]} and ${names[i]} at ${slices[i]!.position} mm`;
    throw fail("format", "slices in places of their own", got, "Remove the copy, or the other reconstruction.");
  });
  return order.map((i) => slices[i]!);
}

/** Slices closer than this are in one place, mm. */
const APART = 1e-3;

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, v, i) => sum + v * b[i]!, 0);
}

function refuse(expected: string, got: string, remedy: string): VouchError {
  return new VouchError("format", { name: "parseDicom", expected, got, remedy });
}
