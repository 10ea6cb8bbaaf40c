/** @file Balancer's powers of 18-decimal numbers: whole numbers, digit for digit, with the direction of rounding in the name. */

const ONE = 10n ** 18n;
const ONE20 = 10n ** 20n;
const ONE36 = 10n ** 36n;

/** x and e^x: x with 18 decimals and e^x whole for the first two, both with 20 decimals for the others, which halve from 32. */
const WHOLE: readonly (readonly [x: bigint, power: bigint])[] = [
  [128n * ONE, 38877084059945950922200000000000000000000000000000000000n],
  [64n * ONE, 6235149080811616882910000000n],
];
const HALVES: readonly (readonly [x: bigint, power: bigint])[] = [
  7896296018268069516100000000000000n,
  888611052050787263676000000n,
  298095798704172827474000n,
  5459815003314423907810n,
  738905609893065022723n,
  271828182845904523536n,
  164872127070012814685n,
  128402541668774148407n,
  113314845306682631683n,
  106449445891785942956n,
].map((power, k) => [(32n * ONE20) >> BigInt(k), power] as const);
/** Halves the exponential takes out before its series; the logarithm takes out all ten. */
const EXP_HALVES = 8;
const EXP_TERMS = 12n;
/** Last odd terms of the two series of the logarithm. */
const LN_LAST = 11n;
const LN36_LAST = 15n;
/** Between these, the logarithm has 36 decimals. */
const NEAR_ONE = [ONE - ONE / 10n, ONE + ONE / 10n] as const;
/** A power is right within this share of itself, with 18 decimals. */
const POWER_ERROR = 10_000n;

export function mulDown(a: bigint, b: bigint): bigint {
  return (a * b) / ONE;
}

export function mulUp(a: bigint, b: bigint): bigint {
  return a * b === 0n ? 0n : (a * b - 1n) / ONE + 1n;
}

export function divDown(a: bigint, b: bigint): bigint {
  return (a * ONE) / b;
}

export function divUp(a: bigint, b: bigint): bigint {
  return a === 0n ? 0n : (a * ONE - 1n) / b + 1n;
}

/** ≥ x^y, by the library's bound on its own error; exact products for y of 1, 2 and 4. */
export function powUp(x: bigint, y: bigint): bigint {
  if (y === ONE) return x;
  if (y === 2n * ONE) return mulUp(x, x);
  if (y === 4n * ONE) return mulUp(mulUp(x, x), mulUp(x, x));
  const raw = power(x, y);
  return raw + mulUp(raw, POWER_ERROR) + 1n;
}

/** x^y = e^{y ln x}, truncating as the contract does, x and y with 18 decimals. */
function power(x: bigint, y: bigint): bigint {
  if (y === 0n) return ONE;
  if (x === 0n) return 0n;
  const close = x > NEAR_ONE[0] && x < NEAR_ONE[1];
  const logarithm = close ? ln36(x) : ln(x);
  const exponent = close ? (logarithm / ONE) * y + ((logarithm % ONE) * y) / ONE : logarithm * y;
  return exp(exponent / ONE);
}

/** ln x near 1, x with 18 decimals, the result with 36. */
function ln36(x: bigint): bigint {
  return oddSeries(((x * ONE - ONE36) * ONE36) / (x * ONE + ONE36), ONE36, LN36_LAST);
}

function ln(x: bigint): bigint {
  if (x < ONE) return -ln(ONE36 / x);
  let [a, sum] = [x, 0n];
  for (const [exponent, whole] of WHOLE) {
    if (a < whole * ONE) continue;
    a /= whole;
    sum += exponent;
  }
  [a, sum] = [a * 100n, sum * 100n];
  for (const [exponent, factor] of HALVES) {
    if (a < factor) continue;
    a = (a * ONE20) / factor;
    sum += exponent;
  }
  return (sum + oddSeries(((a - ONE20) * ONE20) / (a + ONE20), ONE20, LN_LAST)) / 100n;
}

/** 2 (z + z³/3 + … + z^last/last). */
function oddSeries(z: bigint, one: bigint, last: bigint): bigint {
  const square = (z * z) / one;
  let [term, sum] = [z, z];
  for (let k = 3n; k <= last; k += 2n) {
    term = (term * square) / one;
    sum += term / k;
  }
  return 2n * sum;
}

function exp(x: bigint): bigint {
  if (x < 0n) return ONE36 / exp(-x);
  let [rest, whole] = [x, 1n];
  const first = WHOLE.find(([exponent]) => rest >= exponent);
  if (first) [rest, whole] = [rest - first[0], first[1]];
  rest *= 100n;
  let product = ONE20;
  for (const [exponent, factor] of HALVES.slice(0, EXP_HALVES)) {
    if (rest < exponent) continue;
    rest -= exponent;
    product = (product * factor) / ONE20;
  }
  let [term, sum] = [ONE20, ONE20];
  for (let k = 1n; k <= EXP_TERMS; k++) {
    term = (term * rest) / ONE20 / k;
    sum += term;
  }
  return (((product * sum) / ONE20) * whole) / 100n;
}
