/** @file DICOM: real slices in Hounsfield units, and each tag that is missing or absurd named. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { dataFile } from "../../cli/paths.js";
import { attenuation, fieldOfView, shrink } from "../../src/applications/ct/attenuation.js";
import { VouchError } from "../../src/errors.js";
import { dicomSeries, parseDicom } from "../../src/files/dicom.js";
import { parseNpy } from "../../src/files/npy.js";
import { dicomBytes, dicomTags } from "../dicom.js";
import { decoded, golden } from "../volumes.js";

const folder = dataFile("ct", "dicom");

describe("a slice", () => {
  it("has Hounsfield units of its own slope, intercept, bits and sign, its places and its patient", async () => {
    const stored = Uint16Array.of(0, 1, 2, 0x0fff, 0xf800, 5);
    const tags = dicomTags({ rows: 2, columns: 3, stored });
    const slice = await parseDicom(dicomBytes(tags));
    expect([slice.rows, slice.columns, [...slice.spacing]]).toEqual([2, 3, [0.7, 0.8]]);
    // 12 bits: the four above them are not the image's.
    expect([...slice.hu]).toEqual([-1000, -998, -996, 2 * 4095 - 1000, 2 * 0x800 - 1000, -990]);
    expect([slice.position, slice.patient, slice.series]).toEqual([30, "P1", "1.2.3"]);
    const signed = await parseDicom(dicomBytes({ ...tags, "00280103": { vr: "US", Value: [1] } }));
    expect([...signed.hu]).toEqual([-1000, -998, -996, -1002, -2 * 2048 - 1000, -990]);
  });

  const written = Object.entries(golden.dicom);
  it.each(written.filter(([name]) => !name.startsWith("refused")))(
    "of pydicom, %s",
    async (_, { file, ...expected }) => {
      const slice = await parseDicom(decoded(file));
      expect([slice.rows, slice.columns]).toEqual(expected.shape);
      expect([...slice.hu]).toEqual(expected.hu);
      expect([slice.position, slice.patient, slice.instance]).toEqual([expected.position, "P7", "1.2.3.4"]);
    },
  );
  it.each(written.filter(([name]) => name.startsWith("refused")))("of pydicom, %s", async (name, { file }) => {
    const refused = parseDicom(decoded(file));
    await expect(refused).rejects.toThrow(`little-endian transfer syntax, got ${name.replace("refused: ", "")}`);
  });

  it("has air where it is padded, from the padding value to its limit", async () => {
    const stored = Uint16Array.of(0xf830, 24, 25, 26, 27, 28);
    const tags = dicomTags({ rows: 2, columns: 3, stored });
    const us = (value: number) => ({ vr: "US", Value: [value] });
    const one = await parseDicom(dicomBytes({ ...tags, "00280120": us(25) }));
    expect([...one.hu].slice(1)).toEqual([-952, -1000, -948, -946, -944]);
    const range = await parseDicom(dicomBytes({ ...tags, "00280120": us(25), "00280121": us(27) }));
    expect([...range.hu].slice(1)).toEqual([-952, -1000, -1000, -1000, -944]);
    // −2000 in 16 bits with sign, whose tag other programs write without.
    const signed = { ...tags, "00280101": us(16), "00280102": us(15), "00280103": us(1), "00280120": us(0xf830) };
    expect((await parseDicom(dicomBytes(signed))).hu[0]).toBe(-1000);
  });

  it("prints nothing", async () => {
    const spies = (["error", "warn", "log", "info"] as const).map((level) => vi.spyOn(console, level));
    for (const { file } of Object.values(golden.dicom)) await parseDicom(decoded(file)).catch(() => {});
    for (const spy of spies) {
      expect(spy).not.toHaveBeenCalled();
      spy.mockRestore();
    }
  });

  it("is the image of the chest slices in LoDoPaB's scale, value by value", async (ctx) => {
    const npy = dataFile("ct", "chest_tcia.npy");
    if (!existsSync(npy) || !existsSync(folder)) return ctx.skip(`no ${npy} or ${folder}`);
    const { shape, data } = parseNpy(readFileSync(npy));
    const { items } = JSON.parse(readFileSync(dataFile("ct", "chest_tcia.json"), "utf8"));
    const size = shape[1]! * shape[2]!;
    let found = 0;
    for (const name of readdirSync(folder)) {
      const { hu, rows, columns, instance } = await parseDicom(readFileSync(join(folder, name)));
      const index = items.findIndex(({ id }: { id: string }) => id === instance);
      if (index < 0) continue;
      const view = fieldOfView(hu.map(attenuation), rows, columns);
      const image = shrink(view.image, view.size, shape[1]!);
      found++;
      image.forEach((value, p) => {
        expect(Math.abs(value - Number(data[index * size + p]) / 65535)).toBeLessThan(0.51 / 65535);
      });
    }
    expect(found).toBe(2);
  });

  it("is read from real files of a scanner", async (ctx) => {
    if (!existsSync(folder)) return ctx.skip(`no ${folder}`);
    const names = readdirSync(folder).sort();
    const slices = await Promise.all(names.map((name) => parseDicom(readFileSync(join(folder, name)))));
    const series = dicomSeries(slices, names);
    expect(series.map(({ position }) => position)).toEqual(
      series.map(({ position }) => position).sort((a, b) => a - b),
    );
    for (const { rows, columns, hu, spacing, patient } of series) {
      expect([rows, columns, ...spacing, patient]).toEqual([512, 512, 0.78125, 0.78125, "LIDC-IDRI-0314"]);
      const share = (from: number, to: number) => hu.filter((v) => v >= from && v < to).length / hu.length;
      // Air around and in the lung, and soft tissue, are where they are in every chest.
      expect(share(-1100, -700)).toBeGreaterThan(0.3);
      expect(share(-200, 200)).toBeGreaterThan(0.15);
      expect(share(3000, 1e5)).toBeLessThan(0.001);
    }
  });
});

describe("what is missing or absurd is named", () => {
  const good = dicomTags({ rows: 2, columns: 2, stored: new Uint16Array(4) });
  const without = (tag: string) => Object.fromEntries(Object.entries(good).filter(([key]) => key !== tag));
  const set = (tag: string, vr: string, ...Value: unknown[]) => ({ ...good, [tag]: { vr, Value } });
  const cases: [string, () => Uint8Array, string][] = [
    ["no rescale slope", () => dicomBytes(without("00281053")), "RescaleSlope (0028,1053) above 0, got none"],
    ["no rescale intercept", () => dicomBytes(without("00281052")), "RescaleIntercept (0028,1052) a number, got none"],
    ["a slope of 0", () => dicomBytes(set("00281053", "DS", 0)), "RescaleSlope (0028,1053) above 0, got 0"],
    [
      "an absurd slope",
      () => dicomBytes({ ...set("00281053", "DS", 1e9), ...pixels(9) }),
      "Hounsfield units from -10000",
    ],
    ["an absurd intercept", () => dicomBytes(set("00281052", "DS", -90000)), "Check RescaleSlope and RescaleIntercept"],
    ["no spacing", () => dicomBytes(without("00280030")), "PixelSpacing (0028,0030) of 0.01 to 10 mm, twice, got none"],
    ["a spacing of 0", () => dicomBytes(set("00280030", "DS", 0, 0)), "PixelSpacing (0028,0030)"],
    ["one spacing", () => dicomBytes(set("00280030", "DS", 0.7)), "twice, got 0.7"],
    ["a negative spacing", () => dicomBytes(set("00280030", "DS", -0.7, 0.7)), "got -0.7, 0.7"],
    ["no rows", () => dicomBytes(without("00280010")), "Rows (0028,0010) from 1 to 8192, got none"],
    [
      "no pixels",
      () => dicomBytes(without("7FE00010")),
      "8 bytes of PixelData (7FE0,0010), as Rows × Columns, got none",
    ],
    [
      "more rows than pixels",
      () => dicomBytes(set("00280010", "US", 4000)),
      "16000 bytes of PixelData (7FE0,0010), as Rows × Columns, got 8",
    ],
    ["8 bits", () => dicomBytes(set("00280100", "US", 8)), "BitsAllocated (0028,0100) 1"],
    ["colour", () => dicomBytes(set("00280002", "US", 3)), "SamplesPerPixel"],
    [
      "no grey",
      () => dicomBytes(set("00280004", "CS", "PALETTE COLOR")),
      "MONOCHROME1 or MONOCHROME2, got PALETTE COLOR",
    ],
    ["no modality", () => dicomBytes(without("00080060")), "expected Modality (0008,0060) CT, got none"],
    ["an MR slice", () => dicomBytes(set("00080060", "CS", "MR")), "expected Modality (0008,0060) CT, got MR"],
    ["other units", () => dicomBytes(set("00281054", "LO", "US")), "RescaleType (0028,1054) HU, got US"],
    ["many frames", () => dicomBytes(set("00280008", "IS", 2)), "NumberOfFrames (0028,0008) 1, got 2"],
    ["shifted bits", () => dicomBytes(set("00280102", "US", 15)), "HighBit (0028,0102) BitsStored − 1, 11, got 15"],
    [
      "a scout",
      () => dicomBytes(set("00200037", "DS", 1, 0, 0, 0, 0, -1)),
      "(0020,0037) of an axial slice, got 1, 0, 0, 0, 0, -1",
    ],
    ["skew axes", () => dicomBytes(set("00200037", "DS", 1, 0, 0, 0.6, 0.8, 0)), "two directions at a right angle"],
    ["no position", () => dicomBytes(without("00200032")), "ImagePositionPatient"],
    ["an absurd orientation", () => dicomBytes(set("00200037", "DS", 9, 0, 0, 0, 1, 0)), "ImageOrientationPatient"],
    ["JPEG 2000", () => dicomBytes(good, "1.2.840.10008.1.2.4.90"), "got JPEG 2000 Lossless, 1.2.840.10008.1.2.4.90"],
    ["RLE", () => dicomBytes(good, "1.2.840.10008.1.2.5"), "got RLE Lossless"],
    ["a private syntax", () => dicomBytes(good, "1.3.46.670589"), "transfer syntax, got 1.3.46.670589"],
    ["another file", () => new TextEncoder().encode("no slice"), "expected a DICOM file"],
    ["a torn file", () => dicomBytes(good).subarray(0, 300), "expected"],
  ];
  const pixels = (value: number) => ({ "7FE00010": { vr: "OW", Value: [new Uint16Array(4).fill(value).buffer] } });

  it.each(cases)("%s", async (_, bytes, words) => {
    await expect(parseDicom(bytes())).rejects.toThrow(VouchError);
    await expect(parseDicom(bytes())).rejects.toThrow(expect.objectContaining({ code: "format" }));
    await expect(parseDicom(bytes())).rejects.toThrow(words);
  });

  it("and the good one passes", async () => {
    expect((await parseDicom(dicomBytes(good))).hu).toEqual(new Float32Array(4).fill(-1000));
  });
});

describe("a series", () => {
  const slice = async (tags: object) =>
    parseDicom(dicomBytes({ ...dicomTags({ rows: 2, columns: 2, stored: new Uint16Array(4) }), ...tags }));
  const place = (z: number) => ({ "00200032": { vr: "DS", Value: [0, 0, z] } });

  it("is in the order of its places", async () => {
    const slices = await Promise.all([place(5), place(-2), place(1)].map(slice));
    expect(dicomSeries(slices, ["a", "b", "c"]).map(({ position }) => position)).toEqual([-2, 1, 5]);
  });

  it.each<[string, object, string]>([
    ["another series", { "0020000E": { vr: "UI", Value: ["1.2.4"] } }, "b with the series of a"],
    ["another patient", { "00100020": { vr: "LO", Value: ["P2"] } }, "b with the patient of a, P1, got P2"],
    [
      "another spacing",
      { "00280030": { vr: "DS", Value: [0.5, 0.8] } },
      "pixel spacing of a, 0.7 × 0.8, got 0.5 × 0.8",
    ],
    [
      "another size",
      { "00280010": { vr: "US", Value: [1] }, "7FE00010": { vr: "OW", Value: [new ArrayBuffer(4)] } },
      "b with the size of a, 2 × 2, got 1 × 2",
    ],
    ["two in one place", {}, "a and b at 30 mm"],
  ])("of %s is refused by the file's name", async (_, tags, words) => {
    const slices = [await slice({}), await slice({ ...(words.includes("at 30") ? {} : place(31)), ...tags })];
    expect(() => dicomSeries(slices, ["a", "b"])).toThrow(words);
  });
});
