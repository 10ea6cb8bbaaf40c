/** @file The geometry of a scan, in millimetres: where the pixels, the rays and the detectors are. */

import { VouchError } from "../../errors.js";

/**
 * One slice, its rays and its detectors. The origin is the axis of rotation. x runs along the rows' index i, y along the columns'
 * index j, as an image is printed: x down, y to the right; θ turns x toward y, counterclockwise to the eye.
 *
 *              θ = 0                              the same for any θ
 *            j, y →                  e_s = (cos θ, sin θ)     along the detector: s grows this way
 *         ┌─────────────┐            e_b = (−sin θ, cos θ)    along the beam, from the source to the detector
 *    i, x │             │  s
 *     ↓   │             │  │         parallel  the ray at s is { s e_s + t e_b }
 *         │      o ─────┼──┼─ e_b    fan       the ray at s runs from −R e_b to (D − R) e_b + s e_s:
 *         │             │  │                   R from the source to the axis, D from the source to the detector
 *         └─────────────┘  ↓
 *
 *     pixel (i, j) is centred at  centre + ((i − (size−1)/2), (j − (size−1)/2)) · pixel
 *     detector m is centred at    s = (m − (detectors−1)/2) · spacing + shift
 */
export interface Geometry {
  /** In words: "parallel beam". */
  readonly name: string;
  /** The image is size × size pixels. */
  readonly size: number;
  /** Side of a pixel, mm. */
  readonly pixel: number;
  /** Centre of the image, mm from the axis. */
  readonly centre: readonly [x: number, y: number];
  /** θ of each view, degrees. */
  readonly angles: Float64Array;
  readonly detectors: number;
  /** Between centres of neighbouring detectors, mm on the detector. */
  readonly spacing: number;
  /** s of the middle of the detector, mm. */
  readonly shift: number;
  /** Degrees of θ after which lines repeat that were seen: 180 or 360. */
  readonly turn: number;
  /** The view at θ, radians. */
  view(theta: number): View;
}

export interface View {
  /** The ray that meets the detector at s, mm. */
  ray(s: number): Ray;
  /** s of the ray through a point, mm. */
  shadow(x: number, y: number): number;
  /** Length along e_s of a small shadow cast from a point, over that of the thing. */
  magnification(x: number, y: number): number;
}

/** A point of the line, mm, and its direction, of length 1. */
export interface Ray {
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
}

/** What both beams need; lengths in mm, angles in degrees. */
export interface BeamGeometry {
  readonly size: number;
  /** Default 1. */
  readonly pixel?: number;
  /** In any order and number; `evenAngles` makes the usual ones. */
  readonly angles: ArrayLike<number>;
  /** Default: as many as see every pixel from every side. */
  readonly detectors?: number;
  /** Default: a pixel as seen at the axis. */
  readonly spacing?: number;
  /** Default 0. */
  readonly shift?: number;
  /** Default (0, 0). */
  readonly centre?: readonly [x: number, y: number];
}

export interface FanBeamGeometry extends BeamGeometry {
  /** R, mm; beyond every pixel. */
  readonly sourceToAxis: number;
  /** D ≥ R, mm. */
  readonly sourceToDetector: number;
}

/**
 * θ_k = from + (k + ½)(to − from)/count, degrees. Default from 0 to 180, as in the papers.
 *
 * @throws parameter if count is not an integer ≥ 1 or an end is not finite
 */
export function evenAngles(count: number, from = 0, to = 180): Float64Array {
  requireInteger("evenAngles", "count", count, 1);
  requireNumber("evenAngles", "from", from, Number.isFinite(from), "finite degrees");
  requireNumber("evenAngles", "to", to, Number.isFinite(to), "finite degrees");
  return Float64Array.from({ length: count }, (_, k) => from + ((k + 0.5) * (to - from)) / count);
}

/** Parallel rays, see `Geometry`. @throws parameter */
export function parallelGeometry(options: BeamGeometry): Geometry {
  const { reach, ...frame } = frameOf("parallelGeometry", options, 1);
  const detectors = detectorsOf("parallelGeometry", options, reach, frame.spacing);
  const view = (theta: number): View => {
    const [cos, sin] = [Math.cos(theta), Math.sin(theta)];
    return {
      ray: (s) => ({ x: s * cos, y: s * sin, dx: -sin, dy: cos }),
      shadow: (x, y) => x * cos + y * sin,
      magnification: () => 1,
    };
  };
  return { name: "parallel beam", ...frame, detectors, turn: 180, view };
}

/**
 * Rays from a point to a flat detector, see `Geometry`.
 *
 *     s(x, y) = u D/(R + v),  u = ⟨(x, y), e_s⟩,  v = ⟨(x, y), e_b⟩
 *
 * @throws parameter, also if the source comes into the image
 * @source Kak & Slaney 1988, §3.4.2 (equally spaced detectors)
 */
export function fanGeometry(options: FanBeamGeometry): Geometry {
  const { sourceToAxis: R, sourceToDetector: D } = options;
  requireNumber("fanGeometry", "sourceToAxis", R, R > 0 && Number.isFinite(R), "mm > 0");
  requireNumber("fanGeometry", "sourceToDetector", D, D >= R && Number.isFinite(D), `mm ≥ sourceToAxis, ${R}`);
  const { reach, ...frame } = frameOf("fanGeometry", options, D / R);
  requireNumber("fanGeometry", "sourceToAxis", R, R > reach, `mm > ${reach}, the farthest pixel`);
  const half = (reach * D) / Math.sqrt(R * R - reach * reach);
  const detectors = detectorsOf("fanGeometry", options, half, frame.spacing);
  const view = (theta: number): View => {
    const [cos, sin] = [Math.cos(theta), Math.sin(theta)];
    const magnification = (x: number, y: number) => D / (R + y * cos - x * sin);
    return {
      ray: (s) => {
        const length = Math.hypot(s, D);
        return { x: R * sin, y: -R * cos, dx: (s * cos - D * sin) / length, dy: (s * sin + D * cos) / length };
      },
      shadow: (x, y) => (x * cos + y * sin) * magnification(x, y),
      magnification,
    };
  };
  return { name: "fan beam", ...frame, detectors, turn: 360, view };
}

/** s of detector m, mm. */
export function detectorAt({ detectors, spacing, shift }: Geometry, m: number): number {
  return (m - (detectors - 1) / 2) * spacing + shift;
}

/** The same scan at some of its views, by their numbers. */
export function someViews(geometry: Geometry, views: readonly number[]): Geometry {
  return { ...geometry, angles: Float64Array.from(views, (view) => geometry.angles[view]!) };
}

/** What is common to both beams, and how far the farthest corner of the image is from the axis. */
function frameOf(name: string, options: BeamGeometry, magnification: number) {
  const { size, pixel = 1, shift = 0, centre = [0, 0], spacing = pixel * magnification } = options;
  const angles = Float64Array.from(options.angles);
  const [x, y] = centre;
  const bad = angles.findIndex((angle) => !Number.isFinite(angle));
  requireInteger(name, "size", size, 1);
  requireNumber(name, "pixel", pixel, pixel > 0 && Number.isFinite(pixel), "mm > 0");
  requireNumber(name, "spacing", spacing, spacing > 0 && Number.isFinite(spacing), "mm > 0");
  requireNumber(name, "shift", shift, Number.isFinite(shift), "finite mm");
  requireNumber(name, "centre", `${x}, ${y}`, Number.isFinite(x) && Number.isFinite(y), "finite mm");
  requireNumber(name, "angles", `${angles.length} views`, angles.length > 0, "at least one view");
  requireNumber(name, "angles", `${angles[bad]} in view ${bad}`, bad < 0, "finite degrees");
  const reach = Math.hypot(Math.abs(x) + (size * pixel) / 2, Math.abs(y) + (size * pixel) / 2);
  return { size, pixel, centre, angles, spacing, shift, reach };
}

/** Default: to `half` on both sides, odd where the size is, so that rays along the pixels pass through their centres. */
function detectorsOf(name: string, { detectors, size }: BeamGeometry, half: number, spacing: number): number {
  const enough = Math.ceil((2 * half) / spacing);
  const count = detectors ?? enough + ((enough - size) % 2 === 0 ? 0 : 1);
  requireInteger(name, "detectors", count, 1);
  return count;
}

function requireInteger(name: string, option: string, value: number, least: number): void {
  requireNumber(name, option, value, Number.isInteger(value) && value >= least, `an integer ≥ ${least}`);
}

function requireNumber(name: string, option: string, got: number | string, holds: boolean, expected: string): void {
  if (holds) return;
  const remedy = "Lengths are in mm, angles in degrees.";
  throw new VouchError("parameter", { name: `${name}: ${option}`, expected, got: String(got), remedy });
}
