import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parallelBeam } from "../../src/applications/ct/radon.js";
import { parseNpz } from "../../src/files/npz.js";
import {
  type Csr,
  csrAdjoint,
  csrApply,
  dropZeroRows,
  normalizeRows,
  transposeCsr,
  validateCsr,
} from "../../src/linear/csr.js";
import { random } from "../../src/random.js";

const data = process.env["VOUCH_DATA"] ?? fileURLToPath(new URL("../../../shared/data", import.meta.url));
const oracle = `${data}/ct/radon_128_30x183_csr.npz`;

const beam = parallelBeam({ size: 128, angles: 30, detectors: 183 });
const { matrix, norms } = normalizeRows(beam.matrix);

const gaussian = (length: number, seed: number) => {
  const stream = random(seed);
  return Float64Array.from({ length }, () => stream.normal());
};
const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, v, i) => sum + v * b[i]!, 0);
const norm = (a: Float64Array) => Math.sqrt(dot(a, a));

/** Bytes, since deep equality of large typed arrays is slow. */
const bytes = (a: Int32Array | Float32Array | Float64Array) => Buffer.from(a.buffer, a.byteOffset, a.byteLength);
const same = (a: Csr, b: Csr) =>
  a.rows === b.rows &&
  a.columns === b.columns &&
  bytes(a.indptr).equals(bytes(b.indptr)) &&
  bytes(a.indices).equals(bytes(b.indices)) &&
  bytes(a.values).equals(bytes(b.values));

function dense(csr: Csr, r: number): Float64Array {
  const row = new Float64Array(csr.columns);
  for (let e = csr.indptr[r]!; e < csr.indptr[r + 1]!; e++) row[csr.indices[e]!]! += csr.values[e]!;
  return row;
}

describe("parallelBeam", () => {
  it("equals the papers' operator", (ctx) => {
    if (!existsSync(oracle)) return ctx.skip(`no ${oracle}`);
    const file = parseNpz(readFileSync(oracle));
    const theirs: Csr = {
      rows: 5490,
      columns: 16384,
      indptr: file["indptr"]!.data as Int32Array,
      indices: file["indices"]!.data as Int32Array,
      values: file["data"]!.data as Float32Array,
    };
    const theirNorms = file["raw_row_norms"]!.data as Float32Array;
    let [worst, worstNorm] = [0, 0];
    for (let r = 0; r < matrix.rows; r++) {
      const expected = dense(theirs, r);
      dense(matrix, r).forEach((v, c) => {
        worst = Math.max(worst, Math.abs(v - expected[c]!));
      });
      worstNorm = Math.max(worstNorm, Math.abs(norms[r]! - theirNorms[r]!));
    }
    expect(worst).toBeLessThan(2.5e-7);
    expect(worstNorm).toBeLessThan(4e-6);
    // The oracle also stores the 91 weights that are rounding of 0.
    expect(theirs.values.filter((v) => v > 1e-12).length).toBe(matrix.values.length);
  });

  it("has the shape, the zero rows and the column counts of the papers' operator", () => {
    expect([matrix.rows, matrix.columns, beam.detectors, beam.size]).toEqual([5490, 16384, 183, 128]);
    expect([...beam.angles]).toEqual(Array.from({ length: 30 }, (_, k) => 3 + 6 * k));
    expect(matrix.values.length).toBe(1_105_066);
    const counts = transposeCsr(matrix).indptr.map((start, c, starts) => (starts[c + 1] ?? 0) - start);
    expect([...counts.subarray(0, 3), ...counts.subarray(16381, 16384)]).toEqual([68, 70, 65, 67, 67, 68]);
    expect(norms.filter((n) => n === 0).length).toBe(538);
    expect(same(parallelBeam().matrix, beam.matrix)).toBe(true);
  });

  it("sends a point off the centre to the detector at (i − 64)cos θ + (j − 63)sin θ", () => {
    for (const [i, j] of [
      [100, 40],
      [40, 100],
      [64, 20],
      [15, 64],
    ] as const) {
      const point = new Float64Array(16384);
      point[i * 128 + j] = 1;
      const sinogram = csrApply(beam.matrix, point);
      beam.angles.forEach((angle, k) => {
        const theta = (angle * Math.PI) / 180;
        const s = (i - 64) * Math.cos(theta) + (j - 63) * Math.sin(theta);
        const row = sinogram.subarray(k * 183, (k + 1) * 183);
        const weight = row.reduce((a, b) => a + b, 0);
        const centroid = row.reduce((sum, v, m) => sum + v * m, 0) / weight;
        expect(Math.abs(centroid - 91 - s), `(${i}, ${j}) at ${angle}°`).toBeLessThan(1.2);
        expect(row.filter((v) => v > 0).length).toBeLessThanOrEqual(4);
      });
    }
  });

  it.each([32, 33, 64])("carries its rule to size %i", (size) => {
    const { matrix: A, detectors, angles } = parallelBeam({ size, angles: 12 });
    expect(detectors).toBe(2 * Math.ceil(size / Math.SQRT2) + 1);
    validateCsr("test", A);
    // The lines of an angle partition the plane: each angle sees the mass of a disc, but for the duplicated line.
    const inside = (v: number) => (v - (size - 1) / 2) ** 2;
    const disc = Float64Array.from({ length: size * size }, (_, p) =>
      Number(inside(Math.floor(p / size)) + inside(p % size) < (size / 3) ** 2),
    );
    const mass = disc.reduce((a, b) => a + b, 0);
    const sinogram = csrApply(A, disc);
    angles.forEach((angle, k) => {
      const seen = sinogram.subarray(k * detectors, (k + 1) * detectors).reduce((a, b) => a + b, 0);
      expect(seen / mass, `${angle}°`).toBeGreaterThan(0.99);
      expect(seen / mass, `${angle}°`).toBeLessThan(1 + 2 / (size / 3));
    });
  });

  it.each([{ size: 1 }, { size: 12.5 }, { angles: 0 }, { detectors: Number.NaN }])("refuses %o", (options) => {
    expect(() => parallelBeam(options)).toThrow(
      expect.objectContaining({ code: "parameter", details: expect.objectContaining({ name: "parallelBeam" }) }),
    );
  });
});

describe("csr", () => {
  const { matrix: A, kept } = dropZeroRows(matrix);

  it("normalizeRows leaves unit rows and zero rows", () => {
    for (let r = 0; r < matrix.rows; r++) {
      const entries = matrix.values.subarray(matrix.indptr[r]!, matrix.indptr[r + 1]!);
      const length = Math.sqrt(entries.reduce((sum, v) => sum + v * v, 0));
      if (norms[r] === 0) expect(length).toBe(0);
      else expect(Math.abs(length - 1)).toBeLessThan(1e-7);
    }
  });

  it("dropZeroRows keeps 4952 rows, in order and unchanged", () => {
    expect([A.rows, kept.length, A.values.length]).toEqual([4952, 4952, matrix.values.length]);
    expect(kept.every((r, k) => (k === 0 || kept[k - 1]! < r) && norms[r]! > 0)).toBe(true);
    const x = gaussian(16384, 1);
    const all = csrApply(matrix, x);
    expect(csrApply(A, x)).toEqual(Float64Array.from(kept, (r) => all[r]!));
    const stored: Csr = {
      rows: 2,
      columns: 1,
      indptr: new Int32Array([0, 1, 2]),
      indices: new Int32Array(2),
      values: new Float32Array([0, 2]),
    };
    expect([...dropZeroRows(stored).kept]).toEqual([1]);
  });

  it("⟨Ax, y⟩ = ⟨x, Aᵀy⟩, and the transpose applies the adjoint", () => {
    const [x, y] = [gaussian(A.columns, 2), gaussian(A.rows, 3)];
    const [Ax, Aty] = [csrApply(A, x), csrAdjoint(A, y)];
    expect(Math.abs(dot(Ax, y) - dot(x, Aty))).toBeLessThan(1e-13 * norm(Ax) * norm(y));
    const T = transposeCsr(A);
    expect(bytes(csrApply(T, y)).equals(bytes(Aty))).toBe(true);
    expect(same(transposeCsr(T), A)).toBe(true);
  });

  it("validateCsr accepts every matrix here and names what is wrong with others", () => {
    for (const m of [beam.matrix, matrix, A, transposeCsr(A)]) expect(() => validateCsr("test", m)).not.toThrow();
    const good: Csr = {
      rows: 2,
      columns: 3,
      indptr: new Int32Array([0, 2, 3]),
      indices: new Int32Array([0, 2, 1]),
      values: new Float32Array([1, 2, 3]),
    };
    const bad: [string, Partial<Csr>][] = [
      ["shape", { rows: 3 }],
      ["shape", { indices: new Int32Array(2) }],
      ["shape", { indptr: new Int32Array([0, 2, 4]) }],
      ["data", { indptr: new Int32Array([1, 2, 3]) }],
      ["data", { indptr: new Int32Array([0, 4, 3]) }],
      ["data", { indices: new Int32Array([2, 0, 1]) }],
      ["data", { indices: new Int32Array([1, 1, 1]) }],
      ["data", { indices: new Int32Array([0, 3, 1]) }],
      ["data", { indices: new Int32Array([-1, 2, 1]) }],
      ["data", { values: new Float32Array([1, Number.NaN, 3]) }],
    ];
    for (const [code, change] of bad) {
      expect(() => validateCsr("test", { ...good, ...change })).toThrow(expect.objectContaining({ code }));
    }
  });

  it("refuses vectors of another length", () => {
    expect(() => csrApply(A, new Float64Array(3))).toThrow(/csrApply: expected \[16384\], got \[3\]/);
    expect(() => csrAdjoint(A, new Float64Array(3))).toThrow(/csrAdjoint: expected \[4952\], got \[3\]/);
  });
});
