/** @file Quantiles of the chi-square law, by which a noise level becomes a noise radius. */

import { VouchError } from "../../errors.js";

/**
 * q with P(χ²ₘ ≤ q) = probability: Wilson–Hilferty's guess, refined by Newton's method on the regularised incomplete gamma.
 *
 * @param probability  in (0, 1); relative error of q below 1e-10 between 1e-6 and 1 − 1e-6
 * @param m            degrees of freedom, an integer ≥ 1
 * @throws parameter if one is outside its range
 * @source Wilson & Hilferty 1931; NIST DLMF 8.7.1 (series), 8.9.2 (fraction); Abramowitz & Stegun 26.2.23 (normal quantile)
 */
export function chiSquareQuantile(probability: number, m: number): number {
  if (!(probability > 0 && probability < 1) || !Number.isInteger(m) || m < 1) {
    throw new VouchError("parameter", {
      name: "chiSquareQuantile",
      expected: "0 < probability < 1 and an integer m ≥ 1",
      got: `probability ${probability}, m ${m}`,
      remedy: "Ask for a probability such as 0.99.",
    });
  }
  const a = m / 2;
  const cube = 1 - 2 / (9 * m) + normalQuantile(probability) * Math.sqrt(2 / (9 * m));
  // P(a, x) ≤ xᵃ/Γ(a + 1), so this second value is below the quantile.
  let x = Math.max(a * cube ** 3, Math.exp((Math.log(probability) + logGamma(a + 1)) / a));
  for (let step = 0; step < 50; step++) {
    const density = Math.exp((a - 1) * Math.log(x) - x - logGamma(a));
    const next = Math.max(x / 2, x - (lowerGamma(a, x) - probability) / density);
    const change = Math.abs(next - x);
    x = next;
    if (change <= 1e-10 * x) break;
  }
  return 2 * x;
}

/** Normal quantile to 4.5e-4. */
function normalQuantile(probability: number): number {
  const t = Math.sqrt(-2 * Math.log(Math.min(probability, 1 - probability)));
  const z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  return probability < 0.5 ? -z : z;
}

/** P(a, x): its series below a + 1, one minus Legendre's continued fraction (by Lentz's method) above. */
function lowerGamma(a: number, x: number): number {
  const scale = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; term > 1e-17 * sum; n++) {
      term *= x / (a + n);
      sum += term;
    }
    return scale * sum;
  }
  let b = x + 1 - a;
  let c = Infinity;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1, ratio = 0; Math.abs(ratio - 1) > 1e-15; n++) {
    const an = -n * (n - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    ratio = c * d;
    fraction *= ratio;
  }
  return 1 - scale * fraction;
}

/** ln Γ(a), a > 0: Stirling's series at a ≥ 15, reached by Γ(a) = Γ(a + 1)/a; error below 1e-13. */
function logGamma(a: number): number {
  let product = 1;
  let x = a;
  for (; x < 15; x++) product *= x;
  const s = 1 / (x * x);
  const series = (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s / 1680))) / x;
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series - Math.log(product);
}
