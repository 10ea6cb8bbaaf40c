/** @file Image quality against a ground truth: PSNR and two SSIMs, defined as in scikit-image, computed in float64. */

import { VouchError } from "../../errors.js";

export type Image = Float32Array | Float64Array;

export interface DataRange {
  /** Largest minus smallest value an image may take, > 0, image units: 1, or the maximum of the ground truth. */
  readonly dataRange: number;
}

export interface ImageSize extends DataRange {
  readonly height: number;
  readonly width: number;
}

/**
 * Peak signal-to-noise ratio in dB.
 *
 *     10 log₁₀(R² / mean((x − truth)²))
 *
 * @param x, truth  same length, image units; equal images give Infinity
 * @throws shape if lengths differ; data if a value is not finite; parameter if R ≤ 0
 * @source scikit-image, `peak_signal_noise_ratio`
 */
export function psnr(x: Image, truth: Image, { dataRange }: DataRange): number {
  check("psnr", x, truth, dataRange);
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i]! - truth[i]!) ** 2;
  return 10 * Math.log10((dataRange * dataRange) / (sum / x.length));
}

/**
 * Mean structural similarity, uniform window of 7×7, sample covariance: scikit-image's default.
 *
 *     mean over windows of (2μₓμₜ + C₁)(2σₓₜ + C₂) / ((μₓ² + μₜ² + C₁)(σₓ² + σₜ² + C₂)),  C₁ = (0.01 R)²,  C₂ = (0.03 R)²
 *
 * Windows that reach over the border are left out.
 *
 * @param x, truth  shape [height, width], both at least 7, image units
 * @throws shape if sizes do not fit; data if a value is not finite; parameter if R ≤ 0
 * @source scikit-image, `structural_similarity`
 */
export function ssim(x: Image, truth: Image, size: ImageSize): number {
  const weights = new Float64Array(7).fill(1 / 7);
  return meanSimilarity("ssim", x, truth, size, weights, 49 / 48);
}

/**
 * Mean structural similarity, Gaussian window (σ = 1.5 pixels, 11×11), population covariance: as first published.
 *
 * The formula is that of `ssim`. Windows that reach over the border are left out.
 *
 * @param x, truth  shape [height, width], both at least 11, image units
 * @throws shape if sizes do not fit; data if a value is not finite; parameter if R ≤ 0
 * @source Wang, Bovik, Sheikh & Simoncelli 2004; scikit-image, `structural_similarity` with gaussian_weights=True,
 *   sigma=1.5, use_sample_covariance=False
 */
export function ssimWang2004(x: Image, truth: Image, size: ImageSize): number {
  const bell = Float64Array.from({ length: 11 }, (_, i) => Math.exp(-((i - 5) ** 2) / (2 * 1.5 ** 2)));
  const total = bell.reduce((sum, w) => sum + w, 0);
  return meanSimilarity(
    "ssimWang2004",
    x,
    truth,
    size,
    bell.map((w) => w / total),
    1,
  );
}

function meanSimilarity(
  name: string,
  x: Image,
  truth: Image,
  { height, width, dataRange }: ImageSize,
  weights: Float64Array,
  covarianceScale: number,
): number {
  check(name, x, truth, dataRange);
  checkSize(name, x.length, height, width, weights.length);
  const mean = (value: (i: number) => number) => windowMeans(value, height, width, weights);
  const ux = mean((i) => x[i]!);
  const ut = mean((i) => truth[i]!);
  const uxx = mean((i) => x[i]! * x[i]!);
  const utt = mean((i) => truth[i]! * truth[i]!);
  const uxt = mean((i) => x[i]! * truth[i]!);
  const c1 = (0.01 * dataRange) ** 2;
  const c2 = (0.03 * dataRange) ** 2;
  let sum = 0;
  for (let i = 0; i < ux.length; i++) {
    const mx = ux[i]!;
    const mt = ut[i]!;
    const vx = covarianceScale * (uxx[i]! - mx * mx);
    const vt = covarianceScale * (utt[i]! - mt * mt);
    const vxt = covarianceScale * (uxt[i]! - mx * mt);
    sum += ((2 * mx * mt + c1) * (2 * vxt + c2)) / ((mx * mx + mt * mt + c1) * (vx + vt + c2));
  }
  return sum / ux.length;
}

/** Weighted means over every window inside the image, shape [height − n + 1, width − n + 1], rows then columns. */
function windowMeans(value: (i: number) => number, height: number, width: number, weights: Float64Array): Float64Array {
  const n = weights.length;
  const columns = width - n + 1;
  const rows = height - n + 1;
  const source = new Float64Array(height * width);
  for (let i = 0; i < source.length; i++) source[i] = value(i);
  const across = new Float64Array(height * columns);
  for (let r = 0; r < height; r++) {
    for (let c = 0; c < columns; c++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += weights[k]! * source[r * width + c + k]!;
      across[r * columns + c] = sum;
    }
  }
  const means = new Float64Array(rows * columns);
  for (let i = 0; i < means.length; i++) {
    let sum = 0;
    for (let k = 0; k < n; k++) sum += weights[k]! * across[i + k * columns]!;
    means[i] = sum;
  }
  return means;
}

function check(name: string, x: Image, truth: Image, dataRange: number): void {
  if (x.length !== truth.length || x.length === 0) {
    throw new VouchError("shape", {
      name,
      expected: "two images of one size, not empty",
      got: `${x.length} and ${truth.length} values`,
      remedy: "Compare an image with the ground truth of the same slice.",
    });
  }
  if (!(dataRange > 0 && Number.isFinite(dataRange))) {
    throw new VouchError("parameter", {
      name,
      expected: "dataRange > 0 and finite",
      got: `${dataRange}`,
      remedy: "Give 1, or the maximum of the ground truth.",
    });
  }
  for (const [label, image] of [["x", x] as const, ["truth", truth] as const]) {
    const bad = image.findIndex((v: number) => !Number.isFinite(v));
    if (bad < 0) continue;
    throw new VouchError("data", {
      name,
      expected: "finite values",
      got: `${label}[${bad}] = ${image[bad]}`,
      remedy: "Look at the status of the solution it came from.",
    });
  }
}

function checkSize(name: string, length: number, height: number, width: number, window: number): void {
  const whole = Number.isSafeInteger(height) && Number.isSafeInteger(width);
  if (whole && height * width === length && height >= window && width >= window) return;
  throw new VouchError("shape", {
    name,
    expected: `height × width of ${length} values, both at least ${window}`,
    got: `${height} × ${width}`,
    remedy: "Give the size of the image.",
  });
}
