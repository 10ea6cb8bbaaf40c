/** @file Weighted graph Laplacians: their sparse Cholesky factors in an order of least degree. */

export interface Factor {
  /** x with (L + diag) x = b, for weights of the edges in the order they were given. */
  solve(weights: Float64Array, diagonal: Float64Array, b: Float64Array): Float64Array;
}

/**
 * Prepare solves with Σ w_e (e_a − e_b)(e_a − e_b)ᵀ + diag on n nodes: order and fill are found once.
 *
 * The weights are ≥ 0 and the diagonal makes the matrix positive definite; a pivot that rounding loses is raised to a share of
 * 1e-14 of its first value.
 *
 * @source George & Liu 1989, The evolution of the minimum degree ordering algorithm
 */
export function laplacian(n: number, edges: readonly (readonly [number, number])[]): Factor {
  const { order, columns } = eliminate(n, edges);
  const position = new Int32Array(n);
  order.forEach((node, k) => {
    position[node] = k;
  });
  const starts = new Int32Array(n + 1);
  columns.forEach((rows, k) => {
    starts[k + 1] = starts[k]! + rows.length;
  });
  const slot = (row: number, column: number) => starts[column]! + columns[column]!.indexOf(row);
  const entry = Int32Array.from(edges, ([a, b]) => {
    const [first, second] = [position[a]!, position[b]!].sort((p, q) => p - q);
    return first === second ? -1 : slot(second!, first!);
  });
  const targets = columns.map((rows) => rows.map((a, i) => Int32Array.from(rows.slice(i + 1), (b) => slot(b, a))));

  return {
    solve(weights, diagonal, b) {
      const values = new Float64Array(starts[n]!);
      const pivots = new Float64Array(n);
      diagonal.forEach((value, node) => {
        pivots[position[node]!]! += value;
      });
      edges.forEach(([from, to], e) => {
        if (entry[e]! < 0) return;
        values[entry[e]!]! -= weights[e]!;
        pivots[position[from]!]! += weights[e]!;
        pivots[position[to]!]! += weights[e]!;
      });
      const first = pivots.slice();
      const x = Float64Array.from(order, (node) => b[node]!);
      columns.forEach((rows, k) => {
        const pivot = Math.max(pivots[k]!, 1e-14 * first[k]!, Number.MIN_VALUE);
        pivots[k] = pivot;
        rows.forEach((a, i) => {
          const share = values[starts[k]! + i]! / pivot;
          pivots[a]! -= share * values[starts[k]! + i]!;
          x[a]! -= share * x[k]!;
          const into = targets[k]![i]!;
          for (let m = 0; m < into.length; m++) values[into[m]!]! -= share * values[starts[k]! + i + 1 + m]!;
        });
      });
      for (let k = n - 1; k >= 0; k--) {
        let sum = x[k]!;
        columns[k]!.forEach((a, i) => {
          sum -= values[starts[k]! + i]! * x[a]!;
        });
        x[k] = sum / pivots[k]!;
      }
      return Float64Array.from(position, (k) => x[k]!);
    },
  };
}

/** Nodes in an order of least degree, and for each its later neighbours by position, fill included, ascending. */
function eliminate(n: number, edges: readonly (readonly [number, number])[]) {
  const near: Set<number>[] = Array.from({ length: n }, () => new Set());
  for (const [a, b] of edges) {
    if (a === b) continue;
    near[a]!.add(b);
    near[b]!.add(a);
  }
  const buckets: Set<number>[] = [];
  const put = (node: number) => {
    const degree = near[node]!.size;
    while (buckets.length <= degree) buckets.push(new Set());
    buckets[degree]!.add(node);
  };
  for (let node = 0; node < n; node++) put(node);
  const order: number[] = [];
  const later: number[][] = [];
  for (let k = 0; k < n; k++) {
    const bucket = buckets.find((nodes) => nodes.size > 0)!;
    const [node] = bucket as Set<number> & Iterable<number>;
    bucket.delete(node!);
    order.push(node!);
    const rest = [...near[node!]!];
    later.push(rest);
    for (const a of rest) buckets[near[a]!.size]!.delete(a);
    for (const a of rest) {
      near[a]!.delete(node!);
      for (const b of rest) if (b !== a) near[a]!.add(b);
    }
    for (const a of rest) put(a);
  }
  const position = new Int32Array(n);
  order.forEach((node, k) => {
    position[node] = k;
  });
  const columns = later.map((nodes) => nodes.map((node) => position[node]!).sort((a, b) => a - b));
  return { order, columns };
}
