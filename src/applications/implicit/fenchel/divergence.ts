/** @file Fenchel divergences: F(x, z) ≥ 0, and 0 exactly where x = φ(z); convex in each argument. */

/** A divergence of one state, and what Newton's method on x or z takes of it. */
export interface Divergence {
  /** F(x, z); Infinity outside the domain of x. */
  value(x: number, z: number): number;
  /** ∂F/∂z = φ(z) − x, and ∂²F/∂z². */
  inZ(x: number, z: number): { readonly slope: number; readonly curvature: number };
  /** ∂F/∂x = φ⁻¹(x) − z, and ∂²F/∂x², inside the domain. */
  inX(x: number, z: number): { readonly slope: number; readonly curvature: number };
  phi(z: number): number;
  inside(x: number): boolean;
}

/** ½x² + ½z₊² − xz for x ≥ 0. @source El Ghaoui et al., eq. (7) */
export const reluDivergence: Divergence = {
  value: (x, z) => (x >= 0 ? 0.5 * x * x + 0.5 * Math.max(z, 0) ** 2 - x * z : Infinity),
  inZ: (x, z) => ({ slope: Math.max(z, 0) - x, curvature: z > 0 ? 1 : 0 }),
  inX: (x, z) => ({ slope: x - z, curvature: 1 }),
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
  phi: Math.tanh,
  inside: (x) => Math.abs(x) < 1,
};

function logCosh(z: number): number {
  const a = Math.abs(z);
  return a + Math.log1p(Math.exp(-2 * a)) - Math.LN2;
}
