/** @file What is said of one reconstruction: quality against the truth, and the constraints in float64 on its bytes. */

import { csrApply } from "../../linear/csr.js";
import type { Measurement } from "./examples.js";
import { psnr, ssim, ssimWang2004 } from "./metrics.js";
import type { Tomography } from "./tomography.js";

export interface Score {
  /** dB; data range = maximum of the truth. */
  readonly psnr: number;
  /** scikit-image default, 7×7 uniform window, same range. */
  readonly ssim: number;
  /** dB and SSIM with data range 1. */
  readonly psnrFr: number;
  readonly ssimFr: number;
  /** Wang et al. 2004, Gaussian window, range = maximum of the truth. */
  readonly ssimWang: number;
}

export function score(ct: Tomography, x: Float32Array, truth: Float32Array): Score {
  const range = truth.reduce((a, b) => Math.max(a, b), 0);
  const size = { height: ct.size, width: ct.size };
  return {
    psnr: psnr(x, truth, { dataRange: range }),
    ssim: ssim(x, truth, { ...size, dataRange: range }),
    psnrFr: psnr(x, truth, { dataRange: 1 }),
    ssimFr: ssim(x, truth, { ...size, dataRange: 1 }),
    ssimWang: ssimWang2004(x, truth, { ...size, dataRange: range }),
  };
}

export interface Feasibility {
  /** Largest violation of 0 ≤ x ≤ 1. */
  readonly box: number;
  /** ‖Ax − d‖/δ_cert, float64 on the returned float32 values. */
  readonly fidelity: number;
}

export function feasibility(ct: Tomography, x: Float32Array, { d, radius }: Measurement): Feasibility {
  let box = 0;
  for (const value of x) box = Math.max(box, -value, value - 1);
  const Ax = csrApply(ct.matrix, Float64Array.from(x));
  let square = 0;
  for (let i = 0; i < d.length; i++) square += (Ax[i]! - d[i]!) ** 2;
  return { box, fidelity: Math.sqrt(square) / radius };
}
