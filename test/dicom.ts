/** @file DICOM files for tests, tag by tag. */

import dcmjs from "dcmjs";

export type Tags = Readonly<Record<string, { readonly vr: string; readonly Value: readonly unknown[] }>>;

interface Slice {
  readonly rows: number;
  readonly columns: number;
  readonly stored: Uint16Array;
}

/** A CT slice of 12 bits with slope 2 and intercept −1000, at 30 mm. */
export function dicomTags({ rows, columns, stored }: Slice): Tags {
  const us = (value: number) => ({ vr: "US", Value: [value] });
  return {
    "00080016": { vr: "UI", Value: ["1.2.840.10008.5.1.4.1.1.2"] },
    "00080060": { vr: "CS", Value: ["CT"] },
    "00100020": { vr: "LO", Value: ["P1"] },
    "0020000E": { vr: "UI", Value: ["1.2.3"] },
    "00200032": { vr: "DS", Value: [0, 0, 30] },
    "00200037": { vr: "DS", Value: [1, 0, 0, 0, 1, 0] },
    "00280002": us(1),
    "00280004": { vr: "CS", Value: ["MONOCHROME2"] },
    "00280010": us(rows),
    "00280011": us(columns),
    "00280030": { vr: "DS", Value: [0.7, 0.8] },
    "00280100": us(16),
    "00280101": us(12),
    "00280102": us(11),
    "00280103": us(0),
    "00281052": { vr: "DS", Value: [-1000] },
    "00281053": { vr: "DS", Value: [2] },
    "7FE00010": { vr: "OW", Value: [new Uint16Array(stored).buffer] },
  };
}

const EXPLICIT = "1.2.840.10008.1.2.1";

/** The bytes of a file; of another transfer syntax only in name. */
export function dicomBytes(tags: Tags, syntax = EXPLICIT): Uint8Array {
  const meta = { "00020010": { vr: "UI", Value: [EXPLICIT] } };
  const file = new dcmjs.data.DicomDict(meta);
  file.dict = tags;
  const bytes = Buffer.from(file.write());
  if (syntax === EXPLICIT) return bytes;
  // The name takes the place of the other, with its length and that of the group.
  const at = bytes.indexOf(EXPLICIT);
  const even = (text: string) => text + "\0".repeat(text.length % 2);
  const [old, now] = [even(EXPLICIT), even(syntax)];
  const changed = Buffer.concat([bytes.subarray(0, at), Buffer.from(now), bytes.subarray(at + old.length)]);
  changed.writeUInt16LE(now.length, at - 2);
  const group = 132 + 8;
  changed.writeUInt32LE(changed.readUInt32LE(group) + now.length - old.length, group);
  return changed;
}
