/** @file Lowerings of the gradient of a convolution in its filters. */

import type { OnnxBuilder } from "../lowering.js";

/** Sizes of x [N, in, height, width], g [N, out, above, beside] and the filters [out, in, rows, columns]. */
export interface FilterSizes {
  readonly in: number;
  readonly height: number;
  readonly width: number;
  readonly out: number;
  readonly above: number;
  readonly beside: number;
  readonly rows: number;
  readonly columns: number;
  readonly padding: number;
}

/**
 * Σ_n Σ_rq g[n,o,r,q] x[n,c,r+i−p,q+j−p] for each filter tap, zeros outside: [out, in, rows, columns].
 *
 * Either every tap has its shifted copy of x, or taps are shared between g shifted by rows and x shifted by columns: the copies
 * are rows·out + columns·in images instead of rows·columns·in, and both sides of the product are wide. The cheaper one is taken.
 */
export function filterGradient(build: OnnxBuilder, x: string, g: string, sizes: FilterSizes): string {
  const shared = sizes.rows * sizes.out + sizes.columns * sizes.in;
  return shared < sizes.rows * sizes.columns * sizes.in
    ? sharedShifts(build, x, g, sizes)
    : allShifts(build, x, g, sizes);
}

/** Products per sample of g [out, r q] with the copies of x [rows·columns·in, r q]. */
function allShifts(build: OnnxBuilder, x: string, g: string, s: FilterSizes): string {
  const p = s.padding;
  const padded = p === 0 ? x : build.node("Pad", [x, build.int64([0, 0, p, p, 0, 0, p, p])]);
  const axes = build.int64([2, 3]);
  const shifts = range(s.rows).flatMap((i) =>
    range(s.columns).map((j) =>
      build.node("Slice", [padded, build.int64([i, j]), build.int64([i + s.above, j + s.beside]), axes]),
    ),
  );
  const area = s.above * s.beside;
  const copies = build.node("Concat", shifts, { axis: 1 });
  const total = products(build, [g, s.out], [copies, s.rows * s.columns * s.in], area);
  const taps = build.node("Reshape", [total, build.int64([s.out, s.rows, s.columns, s.in])]);
  return build.node("Transpose", [taps], { perm: [0, 3, 1, 2] });
}

/** Products per sample of g[s−i+p, q] [out·rows, s q] with x[s, q+j−p] [columns·in, s q], s the row of x. */
function sharedShifts(build: OnnxBuilder, x: string, g: string, s: FilterSizes): string {
  const p = s.padding;
  const padded = p === 0 ? x : build.node("Pad", [x, build.int64([0, 0, 0, p, 0, 0, 0, p])]);
  const beside = range(s.columns).map((j) =>
    build.node("Slice", [padded, build.int64([j]), build.int64([j + s.beside]), build.int64([3])]),
  );
  const margin = s.rows - 1 - p;
  const tall = margin === 0 ? g : build.node("Pad", [g, build.int64([0, 0, margin, 0, 0, 0, margin, 0])]);
  const rows = range(s.rows).flatMap((i) => range(s.height).map((r) => r + s.rows - 1 - i));
  const above = build.node("Gather", [tall, build.int64(rows)], { axis: 2 });
  const columns = build.node("Concat", beside, { axis: 1 });
  const area = s.height * s.beside;
  const total = products(build, [above, s.out * s.rows], [columns, s.columns * s.in], area);
  const taps = build.node("Reshape", [total, build.int64([s.out, s.rows, s.columns, s.in])]);
  return build.node("Transpose", [taps], { perm: [0, 3, 1, 2] });
}

/** Σ_n a bᵀ of a [N, m, area] and b [N, k, area], given with their axes before `area` unfolded. */
function products(
  build: OnnxBuilder,
  [a, m]: readonly [string, number],
  [b, k]: readonly [string, number],
  area: number,
): string {
  const left = build.node("Reshape", [a, build.int64([0, m, area])]);
  const right = build.node("Reshape", [b, build.int64([0, k, area])]);
  const each = build.node("MatMul", [left, build.node("Transpose", [right], { perm: [0, 2, 1] })]);
  return build.node("ReduceSum", [each, build.int64([0])], { keepdims: 0 });
}

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}
