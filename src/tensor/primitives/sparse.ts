/** @file Product with a fixed sparse matrix, lowered to dense tiles. */

import { innerProduct, largest } from "../rounding.js";
import { apply, type Primitive, shapeError, showShape, type Tensor, type Value } from "../tensor.js";

/** Compressed sparse rows: row r holds values[indptr[r] … indptr[r+1]) at columns indices[…]. */
export interface SparseRows {
  readonly rows: number;
  readonly columns: number;
  readonly indptr: Int32Array;
  readonly indices: Int32Array;
  readonly values: Float32Array;
}

/**
 * Columns gathered into blocks of `width`; each block keeps the rows it meets, padded to `height`, as a dense tile.
 * `order[b·width + i]` is the column at place i of block b; `place` is its inverse; `rowOf[b·height + k]` the row of
 * tile row k; `sums` the tile rows that add up to each row, rows in the order of their number; `rank` the place of a row there.
 */
export interface Tiles {
  readonly blocks: number;
  readonly width: number;
  readonly height: number;
  readonly order: Int32Array;
  readonly place: Int32Array;
  readonly rowOf: Int32Array;
  readonly sums: readonly Sums[];
  readonly rank: Int32Array;
  /** [blocks, height, width] */
  readonly forward: Float32Array;
  /** [blocks, width, height] */
  readonly backward: Float32Array;
}

/** Rows that as many as `depth` tile rows add up to: `parts[j·rows + i]` is the j-th of row i (padding points at a zero tile row). */
interface Sums {
  readonly rows: number;
  readonly depth: number;
  readonly parts: Int32Array;
}

export interface SparseMatrix {
  readonly rows: SparseRows;
  readonly tiles: Tiles;
}

interface SparseAttributes {
  readonly matrix: SparseMatrix;
  readonly adjoint: boolean;
}

export const sparseMatmulPrimitive: Primitive<SparseAttributes> = {
  name: "sparseMatmul",
  exact: true,
  shape: ([x], { matrix, adjoint }) => {
    const { rows, columns } = matrix.rows;
    const [from, to] = adjoint ? [rows, columns] : [columns, rows];
    if (x!.shape.length !== 2 || x!.shape[1] !== from)
      throw shapeError("sparseMatmul", `[N, ${from}]`, showShape(x!.shape));
    return [{ shape: [x!.shape[0]!, to], dtype: "float" }];
  },
  vjp: ({ attributes: { matrix, adjoint } }, [g]) => [g && sparseMatmul(g, matrix, !adjoint)],
  onnx: (build, [x], { attributes: { matrix, adjoint } }) => {
    const { blocks, width, height, order, place, rowOf, sums, rank, forward, backward } = matrix.tiles;
    const flip = (name: string, perm: number[]) => build.node("Transpose", [name], { perm });
    if (adjoint) {
      const gathered = build.node("Gather", [flip(x!, [1, 0]), build.int64(rowOf)], { axis: 0 });
      const columns = build.node("Reshape", [gathered, build.int64([blocks, height, -1])]);
      const products = build.node("MatMul", [build.float32(backward, [blocks, width, height]), columns]);
      const flat = build.node("Reshape", [products, build.int64([blocks * width, -1])]);
      return [flip(build.node("Gather", [flat, build.int64(place)], { axis: 0 }), [1, 0])];
    }
    const ordered = build.node("Gather", [flip(x!, [1, 0]), build.int64(order)], { axis: 0 });
    const columns = build.node("Reshape", [ordered, build.int64([blocks, width, -1])]);
    const products = build.node("MatMul", [build.float32(forward, [blocks, height, width]), columns]);
    const flat = build.node("Reshape", [products, build.int64([blocks * height, -1])]);
    const added = sums.map(({ rows, depth, parts }) => {
      const gathered = build.node("Gather", [flat, build.int64(parts)], { axis: 0 });
      const stacked = build.node("Reshape", [gathered, build.int64([depth, rows, -1])]);
      return build.node("ReduceSum", [stacked, build.int64([0])], { keepdims: 0 });
    });
    const ranked = build.node("Concat", added, { axis: 0 });
    return [flip(build.node("Gather", [ranked, build.int64(rank)], { axis: 0 }), [1, 0])];
  },
  eval64: ([x], { attributes: { matrix, adjoint } }) => [multiply(x!, matrix.rows, adjoint)],
  enclose: ([x], [y], { attributes: { matrix, adjoint } }) => {
    const { rows, columns } = longest(matrix.rows);
    const { terms, sum } = adjoint ? columns : rows;
    const b = { largest: largest(x!.value), radius: x!.radius };
    return [{ value: y!, radius: innerProduct(terms, sum, { radius: 0 }, b) }];
  },
};

interface Longest {
  /** Most entries in one, and largest Σ|a|. */
  readonly terms: number;
  readonly sum: number;
}

const measured = new WeakMap<SparseRows, { rows: Longest; columns: Longest }>();

function longest(matrix: SparseRows): { rows: Longest; columns: Longest } {
  const kept = measured.get(matrix);
  if (kept) return kept;
  const { rows, columns, indptr, indices, values } = matrix;
  const sums = { rows: new Float64Array(rows), columns: new Float64Array(columns) };
  const counts = { rows: new Int32Array(rows), columns: new Int32Array(columns) };
  for (let r = 0; r < rows; r++)
    for (let e = indptr[r]!; e < indptr[r + 1]!; e++) {
      const size = Math.abs(values[e]!);
      sums.rows[r]! += size;
      sums.columns[indices[e]!]! += size;
      counts.rows[r]!++;
      counts.columns[indices[e]!]!++;
    }
  const most = (key: "rows" | "columns"): Longest => ({
    terms: counts[key].reduce((a, b) => Math.max(a, b), 0),
    sum: sums[key].reduce((a, b) => Math.max(a, b), 0),
  });
  const found = { rows: most("rows"), columns: most("columns") };
  measured.set(matrix, found);
  return found;
}

function multiply(x: Value, { rows, columns, indptr, indices, values }: SparseRows, adjoint: boolean): Value {
  const batch = x.shape[0]!;
  const [from, to] = adjoint ? [rows, columns] : [columns, rows];
  const data = new Float64Array(batch * to);
  for (let s = 0; s < batch; s++) {
    for (let r = 0; r < rows; r++) {
      const end = indptr[r + 1]!;
      if (adjoint) {
        const scale = x.data[s * from + r]!;
        for (let k = indptr[r]!; k < end; k++) data[s * to + indices[k]!]! += scale * values[k]!;
      } else {
        let total = 0;
        for (let k = indptr[r]!; k < end; k++) total += values[k]! * x.data[s * from + indices[k]!]!;
        data[s * to + r] = total;
      }
    }
  }
  return { shape: [batch, to], data };
}

/** A x (or Aᵀ x) for each sample: x [N, columns] → [N, rows], in float32 with fixed tiles. */
export function sparseMatmul(x: Tensor, matrix: SparseMatrix, adjoint = false): Tensor {
  return apply(sparseMatmulPrimitive, [x], { matrix, adjoint });
}

/** Cut a sparse matrix into dense tiles; `groups` lists the columns of each block, all of one length. */
export function tile(rows: SparseRows, groups: readonly Int32Array[]): Tiles {
  const blocks = groups.length;
  const width = groups[0]!.length;
  const order = new Int32Array(blocks * width);
  const place = new Int32Array(rows.columns);
  const blockOf = new Int32Array(rows.columns);
  groups.forEach((group, b) => {
    group.forEach((column, i) => {
      order[b * width + i] = column;
      place[column] = b * width + i;
      blockOf[column] = b;
    });
  });
  const met = meetings(rows, blockOf, blocks);
  // One spare tile row in the last block stays zero: the target of padding.
  const height = Math.max(...met.rowsOf.map((list, b) => list.length + (b === blocks - 1 ? 1 : 0)));
  const rowOf = new Int32Array(blocks * height);
  met.rowsOf.forEach((list, b) => {
    list.forEach((r, k) => {
      rowOf[b * height + k] = r;
    });
  });
  const forward = new Float32Array(blocks * height * width);
  const backward = new Float32Array(blocks * width * height);
  met.slots.forEach((list, r) => {
    const tileRow = new Map(list);
    for (let e = rows.indptr[r]!; e < rows.indptr[r + 1]!; e++) {
      const column = rows.indices[e]!;
      const b = blockOf[column]!;
      const k = tileRow.get(b)!;
      const i = place[column]! - b * width;
      forward[(b * height + k) * width + i]! += rows.values[e]!;
      backward[(b * width + i) * height + k]! += rows.values[e]!;
    }
  });
  const parts = met.slots.map((list) => list.map(([b, k]) => b * height + k));
  return { blocks, width, height, order, place, rowOf, ...rowSums(parts, blocks * height - 1), forward, backward };
}

/** Classes of rows of one depth: more would save little padding, and each costs four nodes of the graph. */
const CLASSES = 4;

/** The parts of each row in classes of similar number, padded with `spare`. */
function rowSums(parts: readonly (readonly number[])[], spare: number): Pick<Tiles, "sums" | "rank"> {
  const order = parts.map((_, r) => r).sort((a, b) => parts[a]!.length - parts[b]!.length);
  const rank = new Int32Array(order.length);
  order.forEach((r, i) => {
    rank[r] = i;
  });
  const share = Math.max(1, Math.ceil(order.length / CLASSES));
  const sums: Sums[] = [];
  for (let start = 0; start < order.length; start += share) {
    const chosen = order.slice(start, start + share);
    const depth = Math.max(1, parts[chosen.at(-1)!]!.length);
    const padded = new Int32Array(depth * chosen.length).fill(spare);
    chosen.forEach((r, i) => {
      parts[r]!.forEach((part, j) => {
        padded[j * chosen.length + i] = part;
      });
    });
    sums.push({ rows: chosen.length, depth, parts: padded });
  }
  return { sums, rank };
}

/** For each block the rows that meet it; for each row its [block, place in the block] pairs. */
function meetings(rows: SparseRows, blockOf: Int32Array, blocks: number) {
  const rowsOf: number[][] = Array.from({ length: blocks }, () => []);
  const slots: [number, number][][] = [];
  for (let r = 0; r < rows.rows; r++) {
    const seen = new Map<number, number>();
    for (let e = rows.indptr[r]!; e < rows.indptr[r + 1]!; e++) {
      const b = blockOf[rows.indices[e]!]!;
      if (!seen.has(b)) seen.set(b, rowsOf[b]!.push(r) - 1);
    }
    slots.push([...seen]);
  }
  return { rowsOf, slots };
}
