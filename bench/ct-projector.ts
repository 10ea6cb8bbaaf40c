/** @file The CT operator on the engine against SciPy's CSR product, and against ASTRA's projector, on the same slices. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Tomography } from "../src/applications/ct/tomography.js";
import { formatNpy, type NpyArray } from "../src/files/npy.js";
import { BATCH, PRODUCTS, productsOf, ROUNDS } from "./ct-cost.js";
import { interleaveTimed } from "./interleave.js";
import { startPeer } from "./peer.js";

export interface Compared {
  readonly figures: Readonly<Record<string, number | null>>;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * ms of SciPy over ms of the engine, for Ax and Aᵀy of 8 slices together, A the same float32 matrix in both. SciPy has Aᵀ as CSR of its own
 * and slices as columns, which it is fastest with; it has one thread, the engine as many as there are cores, and one in `_one_thread`.
 */
export async function againstScipy(ct: Tomography, python: string | undefined): Promise<Compared> {
  const none = { projector_speedup_scipy_b8: null, projector_speedup_scipy_b8_one_thread: null };
  if (python === undefined) return { figures: none, env: { scipy: "no Python with SciPy found: its ratios are null" } };
  const [all, one] = [await productsOf(ct), await productsOf(ct, { threads: 1 })];
  try {
    return await withPeer(python, ct, all, async (peer) => {
      const ask = async () => (await peer.ask<{ ms: number }>("scipy", { products: PRODUCTS })).ms / BATCH;
      const [many, single, scipy] = await interleaveTimed([all.timed, one.timed, ask], ROUNDS);
      const { difference } = await peer.ask<{ difference: number }>("difference");
      const figures = {
        projector_ms_b8: many!,
        projector_ms_b8_one_thread: single!,
        projector_scipy_ms_b8: scipy!,
        projector_scipy_difference: difference,
        projector_speedup_scipy_b8: scipy! / many!,
        projector_speedup_scipy_b8_one_thread: scipy! / single!,
      };
      return { figures, env: await peer.ask<Record<string, string>>("versions") };
    });
  } finally {
    await Promise.all([all.dispose(), one.dispose()]);
  }
}

/** ms of ASTRA's projector (Joseph's weights, on the processor) over ms of the engine, for the same 8 slices and views. */
export async function againstAstra(ct: Tomography, python: string | undefined): Promise<Compared> {
  const none = { projector_speedup_astra_b8: null };
  if (python === undefined) return { figures: none, env: { astra: "no Python with ASTRA found: its ratio is null" } };
  const products = await productsOf(ct);
  try {
    return await withPeer(python, ct, products, async (peer) => {
      const ask = async () => (await peer.ask<{ ms: number }>("astra", { products: PRODUCTS })).ms / BATCH;
      const [own, astra] = await interleaveTimed([products.timed, ask], ROUNDS);
      const { version } = await peer.ask<{ version: string }>("astra version");
      const figures = { projector_astra_ms_b8: astra!, projector_speedup_astra_b8: astra! / own! };
      return { figures, env: { astra: version } };
    });
  } finally {
    await products.dispose();
  }
}

async function withPeer(
  python: string,
  { matrix, geometry, size, sinogram }: Tomography,
  products: Awaited<ReturnType<typeof productsOf>>,
  work: (peer: ReturnType<typeof startPeer>) => Promise<Compared>,
): Promise<Compared> {
  const folder = await mkdtemp(join(tmpdir(), "vouch-ct-"));
  try {
    const { Ax, ATy } = await products.once();
    const arrays: Readonly<Record<string, NpyArray>> = {
      indptr: { shape: [matrix.indptr.length], data: matrix.indptr },
      indices: { shape: [matrix.indices.length], data: matrix.indices },
      values: { shape: [matrix.values.length], data: matrix.values },
      angles: { shape: [geometry.angles.length], data: geometry.angles },
      ...{ x: products.x, y: products.y, Ax, ATy },
    };
    for (const [name, array] of Object.entries(arrays)) await writeFile(join(folder, `${name}.npy`), formatNpy(array));
    const peer = startPeer(python, "projector.py", [folder, String(size), String(sinogram[1])]);
    try {
      return await work(peer);
    } finally {
      await peer.close();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}
