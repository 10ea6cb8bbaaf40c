/** @file The CT table: figures of methods by patient, their intervals, and the table for people, Markdown and CSV. */

import type { Reconstruction } from "../src/applications/ct/methods.js";
import type { Score } from "../src/applications/ct/score.js";
import { meanOverPatients, type Slice } from "../src/applications/ct/select.js";
import { random } from "../src/random.js";
import { settled } from "./ct.js";
import type { TableMethod } from "./ct-methods.js";

/** One slice by one method. */
export interface Row extends Score {
  readonly x: Float32Array;
  readonly box: number;
  readonly fidelity: number;
  /** Whether the regularization fails against the common reference; absent where there is none. */
  readonly regularization?: boolean;
  readonly status: Reconstruction["status"][number];
  readonly steps: number;
  /** Proven relative gap; absent where nothing is proven. */
  readonly gap?: number;
  /** ‖x − x_convex‖/‖x_convex‖, where both were made. */
  readonly apart?: number;
}

export interface Evaluated extends TableMethod {
  /** One a slice. */
  readonly rows: readonly Row[];
  readonly seconds: number;
}

export const fails = (row: Row) => ({ box: row.box > 0, fidelity: !(row.fidelity <= 1) });

const METRICS = {
  psnr: (row: Row) => row.psnr,
  ssim: (row: Row) => row.ssim,
  psnr_fr: (row: Row) => row.psnrFr,
  ssim_fr: (row: Row) => row.ssimFr,
  ssim_wang: (row: Row) => row.ssimWang,
} as const;

/**
 * Figures of all methods, each under its key: means over patients with their 95 % intervals, shares of slices, medians.
 *
 * `l2o_*` are those of the best feasible learned model with a certificate: feasible on every slice, best by other slices than these,
 * see `bestLearned`.
 */
export function figuresOf(evaluated: readonly Evaluated[], slices: readonly Slice[], seed: number) {
  const figures: Record<string, number> = {};
  for (const one of evaluated) {
    for (const [name, value] of Object.entries(methodFigures(one, slices, seed))) figures[`${one.key}_${name}`] = value;
  }
  const { best, by } = bestLearned(evaluated);
  if (best) {
    for (const [name, value] of Object.entries(methodFigures(best, slices, seed))) figures[`l2o_${name}`] = value;
  }
  const tv = evaluated.find(({ key }) => key === "tv");
  if (tv) {
    const over = [...evaluated.filter((one) => one !== tv), ...(best ? [{ ...best, key: "l2o" }] : [])];
    for (const { key, rows } of over) {
      const gains = byPatient(rows, slices, (row, i) => row.psnr - tv.rows[i]!.psnr);
      const [low, high] = bootstrap(gains, seed);
      Object.assign(figures, {
        [`${key}_minus_tv_db`]: meanOverPatients(gains),
        [`${key}_minus_tv_db_low`]: low,
        [`${key}_minus_tv_db_high`]: high,
      });
    }
  }
  return { figures, best, by };
}

/**
 * Of the learned models with a certificate that are feasible on every slice: that of the highest PSNR on calibration patients where the
 * files of all say it of the same images, or else of the least validation loss, which is of the patients and the scanner of the training.
 */
export function bestLearned(evaluated: readonly Evaluated[]): {
  readonly best: Evaluated | undefined;
  readonly by: "selection" | "validation";
} {
  const feasible = evaluated.filter(
    ({ key, rows }) => key.startsWith("l2o_") && rows.every((row) => !fails(row).box && !fails(row).fidelity),
  );
  const on = new Set(feasible.map(({ selection }) => selection?.on));
  const by = on.size === 1 && !on.has(undefined) ? "selection" : "validation";
  const loss = ({ selection, validation = Number.POSITIVE_INFINITY }: Evaluated) =>
    by === "selection" ? -selection!.psnr : validation;
  const best = feasible.reduce<Evaluated | undefined>(
    (least, one) => (least && loss(least) <= loss(one) ? least : one),
    undefined,
  );
  return { best, by };
}

function methodFigures({ rows, seconds, method, epochs, minutes }: Evaluated, slices: readonly Slice[], seed: number) {
  const share = (is: (row: Row) => boolean) => rows.filter(is).length / rows.length;
  const figures: Record<string, number> = {};
  for (const [name, value] of Object.entries(METRICS)) {
    const values = byPatient(rows, slices, value);
    const [low, high] = bootstrap(values, seed);
    Object.assign(figures, { [name]: meanOverPatients(values), [`${name}_low`]: low, [`${name}_high`]: high });
  }
  const gaps = rows.flatMap(({ gap }) => (gap === undefined ? [] : [gap]));
  const apart = rows.flatMap((row) => (row.apart === undefined ? [] : [row.apart]));
  const reference = rows.every(({ regularization }) => regularization !== undefined);
  return {
    ...figures,
    box_fail: share((row) => fails(row).box),
    box_failures: rows.filter((row) => fails(row).box).length,
    fidelity_fail: share((row) => fails(row).fidelity),
    fidelity_failures: rows.filter((row) => fails(row).fidelity).length,
    fidelity_ratio_max: Math.max(...rows.map((row) => row.fidelity)),
    regularization_fail: reference ? share(({ regularization }) => regularization === true) : Number.NaN,
    unconverged: share((row) => !settled(row.status)),
    steps: median(rows.map((row) => row.steps)),
    ms_per_slice: (1000 * seconds) / rows.length,
    params: method.parameters,
    gap: gaps.length === rows.length ? median(gaps) : Number.NaN,
    ...(apart.length > 0 ? { apart: median(apart) } : {}),
    ...(epochs === undefined ? {} : { epochs }),
    ...(minutes === undefined ? {} : { minutes }),
  };
}

function byPatient(rows: readonly Row[], slices: readonly Slice[], value: (row: Row, i: number) => number) {
  return rows.map((row, i) => ({ patient: slices[i]!.patient, value: value(row, i) }));
}

const RESAMPLES = 2000;

/** 95 % percentile interval of the mean over patients, patients drawn with replacement. @source Efron & Tibshirani 1993, §13.3 */
function bootstrap(rows: readonly { patient: string; value: number }[], seed: number): [low: number, high: number] {
  const names = [...new Set(rows.map(({ patient }) => patient))];
  const means = names.map((name) => meanOverPatients(rows.filter(({ patient }) => patient === name)));
  const draws = random(seed).fork("bootstrap");
  const resampled = Array.from({ length: RESAMPLES }, () => {
    const drawn = means.map(() => means[draws.integer(means.length)]!);
    return drawn.reduce((a, b) => a + b, 0) / drawn.length;
  }).sort((a, b) => a - b);
  const at = (share: number) => resampled[Math.round(share * (RESAMPLES - 1))]!;
  return [at(0.025), at(0.975)];
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.ceil((sorted.length - 1) / 2)]!) / 2;
}

export interface TableRows {
  readonly heading: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** The table for people: percentages of slices, PSNR and SSIM with intervals over patients. */
export function tableRows(evaluated: readonly Evaluated[], figures: Readonly<Record<string, number>>): TableRows {
  const heading = [
    ...["method", "PSNR dB", "95 %", "SSIM", "95 %", "PSNR fr", "SSIM fr", "box fails", "fidelity fails"],
    ...["regularization fails", "unconverged", "gap", "steps", "ms/slice", "parameters", "epochs", "minutes"],
  ];
  const rows = evaluated.map(({ key, rows: { length } }) => {
    const of = (name: string) => figures[`${key}_${name}`] ?? Number.NaN;
    const number = (name: string, digits: number) => shown(of(name), (value) => value.toFixed(digits));
    const range = (name: string, digits: number) =>
      `${number(`${name}_low`, digits)} to ${number(`${name}_high`, digits)}`;
    const count = (name: string) => shown(of(name), (value) => Math.round(value * length));
    return [
      key,
      number("psnr", 2),
      range("psnr", 2),
      number("ssim", 4),
      range("ssim", 3),
      number("psnr_fr", 2),
      number("ssim_fr", 4),
      of("box_failures"),
      of("fidelity_failures"),
      count("regularization_fail"),
      count("unconverged"),
      shown(of("gap"), (value) => `${(100 * value).toPrecision(2)} %`),
      of("steps"),
      Math.round(of("ms_per_slice")),
      of("params"),
      shown(of("epochs"), String),
      number("minutes", 0),
    ];
  });
  return { heading, rows };
}

function shown<T>(value: number, show: (value: number) => T): T | "–" {
  return Number.isNaN(value) ? "–" : show(value);
}

export function markdown({ heading, rows }: TableRows): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  return [line(heading), line(heading.map((_, c) => (c === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}

/** Every figure of every method, a line a method; empty where there is none. */
export function csv(evaluated: readonly Evaluated[], figures: Readonly<Record<string, number>>): string {
  const of = (key: string) => Object.keys(figures).filter((name) => name.startsWith(`${key}_`));
  const keys = evaluated.map(({ key }) => key);
  const own = (key: string, name: string) =>
    !keys.some((other) => other.length > key.length && name.startsWith(`${other}_`));
  const columns = [
    ...new Set(
      keys.flatMap((key) =>
        of(key)
          .filter((name) => own(key, name))
          .map((name) => name.slice(key.length + 1)),
      ),
    ),
  ];
  const cell = (value: number | undefined) => (value === undefined || Number.isNaN(value) ? "" : String(value));
  const lines = keys.map((key) => [key, ...columns.map((name) => cell(figures[`${key}_${name}`]))].join(","));
  return `${[["method", ...columns].join(","), ...lines].join("\n")}\n`;
}
