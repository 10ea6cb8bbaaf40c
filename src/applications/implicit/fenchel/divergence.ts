/** @file Fenchel divergences: F(x, z) ≥ 0, and 0 exactly where x = φ(z); convex in each argument. */

/** A divergence of one state, and what Newton's method on x or z takes of it. */
export interface Divergence {
  /** F(x, z); Infinity outside the domain of x. */
  value(x: number, z: number): number;
  /** ∂F/∂z = φ(z) − x, and ∂²F/∂z². */
  inZ(x: number, z: number): { readonly slope: number; readonly curvature: number };
  /** ∂F/∂x = φ⁻¹(x) − z, and ∂²F/∂x², inside the domain. */
  inX(x: number, z: number): { readonly slope: number; readonly curvature: number };
  /** argmin_x ½(x − v)² + αF(x, z), α ≥ 0: φ(z) as α → ∞. */
  prox(v: number, alpha: number, z: number): number;
  phi(z: number): number;
  inside(x: number): boolean;
}

/** ½x² + ½z₊² − xz for x ≥ 0. @source El Ghaoui et al., eq. (7) */
export const reluDivergence: Divergence = {
  value: (x, z) => (x >= 0 ? 0.5 * x * x + 0.5 * Math.max(z, 0) ** 2 - x * z : Infinity),
  inZ: (x, z) => ({ slope: Math.max(z, 0) - x, curvature: z > 0 ? 1 : 0 }),
  inX: (x, z) => ({ slope: x - z, curvature: 1 }),
  prox: (v, alpha, z) => Math.max(0, (v + alpha * z) / (1 + alpha)),
  phi: (z) => Math.max(z, 0),
  inside: (x) => x >= 0,
};

/**
 * ½(x log((1 + x)/(1 − x)) + log(1 − x²)) + log cosh z − xz for |x| < 1.
 *
 * deviates: log cosh stands outside the factor ½, inside which the source has it; only so is F 0 at x = tanh z
 *
 * @source El Ghaoui et al., eq. (8)
 */
export const tanhDivergence: Divergence = {
  value: (x, z) =>
    Math.abs(x) < 1 ? 0.5 * ((1 + x) * Math.log1p(x) + (1 - x) * Math.log1p(-x)) + logCosh(z) - x * z : Infinity,
  inZ: (x, z) => {
    const t = Math.tanh(z);
    return { slope: t - x, curvature: 1 - t * t };
  },
  inX: (x, z) => ({ slope: Math.atanh(x) - z, curvature: 1 / (1 - x * x) }),
  prox: (v, alpha, z) => Math.max(-EDGE, Math.min(EDGE, Math.tanh(warped(v + alpha * z, alpha)))),
  phi: Math.tanh,
  inside: (x) => Math.abs(x) < 1,
};

/** Where atanh is still a number: the edge of the domain is not in it. */
const EDGE = 1 - 2 ** -53;

/** w with tanh w + αw = c, of the sign of c: x = tanh w solves x − v + α(atanh x − z) = 0. */
function warped(c: number, alpha: number): number {
  if (c === 0) return 0;
  // Past 20 tanh is 1 in float64.
  let [low, high] = [0, Math.min(20, alpha > 0 ? Math.abs(c) / alpha : 20)];
  let w = Math.min(high, Math.abs(c) / (1 + alpha));
  for (let step = 0; step < 200; step++) {
    const t = Math.tanh(w);
    const gap = t + alpha * w - Math.abs(c);
    if (gap > 0) high = w;
    else low = w;
    const newton = w - gap / (1 - t * t + alpha);
    const next = newton > low && newton < high ? newton : (low + high) / 2;
    if (next === w || next === low || next === high) break;
    w = next;
  }
  return Math.sign(c) * w;
}

function logCosh(z: number): number {
  const a = Math.abs(z);
  return a + Math.log1p(Math.exp(-2 * a)) - Math.LN2;
}
