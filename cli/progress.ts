/** @file Progress of long work on stderr: a bar on a terminal, a line now and then elsewhere. */

import { SingleBar } from "cli-progress";

export interface Progress {
  /** @param done  of `total`, may be fractional; @param note  what to show beside it */
  update(done: number, note?: string): void;
  stop(): void;
}

/** Seconds between two lines where there is no terminal. */
const SPARSE = 15;

/**
 * Show work as it is done, with the time left.
 *
 * @param label  what the work is, "tv"
 * @param total  in any unit, > 0
 */
export function progress(label: string, total: number, unit = ""): Progress {
  return process.stderr.isTTY ? bar(label, total, unit) : lines(label, total, unit);
}

function bar(label: string, total: number, unit: string): Progress {
  const started = Date.now();
  const single = new SingleBar({
    stream: process.stderr,
    format: `${label} {bar} {done}/{total} ${unit} {left} {note}`,
    barsize: 24,
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: true,
    linewrap: false,
  });
  single.start(total, 0, { done: 0, left: "", note: "" });
  return {
    update(done, note = "") {
      single.update(done, { done: Math.floor(done), left: timeLeft(started, done, total), note });
    },
    stop: () => single.stop(),
  };
}

function lines(label: string, total: number, unit: string): Progress {
  const started = Date.now();
  let shown = started;
  return {
    update(done, note = "") {
      if (Date.now() - shown < 1000 * SPARSE) return;
      shown = Date.now();
      const left = timeLeft(started, done, total);
      process.stderr.write(
        `${[`${label}: ${Math.floor(done)}/${total}`, unit, left, note].filter(Boolean).join(" ")}\n`,
      );
    },
    stop: () => {},
  };
}

function timeLeft(started: number, done: number, total: number): string {
  const elapsed = (Date.now() - started) / 1000;
  if (!(done > 0) || elapsed < 2) return "";
  return `${duration((elapsed / done) * Math.max(0, total - done))} left`;
}

/** 95 → "1 min 35 s". */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
