/** @file The log of a training: a line an event as it happens, JSON or CSV by the name of the file. */

import { existsSync } from "node:fs";
import { open, readFile, truncate } from "node:fs/promises";
import { dirname, extname } from "node:path";
import { VouchError } from "../src/errors.js";
import type { PhaseEvent, StepEvent } from "../src/training/fit.js";
import { within } from "./errors.js";
import { makeFolder, unwritable } from "./files.js";

export interface TrainingLog {
  /** Queue a line. @throws file if an earlier one could not be written */
  write(event: StepEvent | PhaseEvent): void;
  /** @throws file if a line could not be written */
  close(): Promise<void>;
}

type Entry = { readonly time: string } & Partial<StepEvent & PhaseEvent>;

interface Format {
  /** What a new file begins with. */
  readonly header: string;
  line(entry: Entry): string;
}

/** Columns of CSV in their order: all that an event may say. */
const columns: Readonly<Record<keyof Entry, true>> = {
  time: true,
  phase: true,
  pass: true,
  t: true,
  total: true,
  loss: true,
  residual: true,
  adjoint: true,
  products: true,
  solverSteps: true,
  validation: true,
};
const names = Object.keys(columns) as (keyof Entry)[];

const formats: Readonly<Record<string, Format>> = {
  ".jsonl": { header: "", line: (entry) => `${JSON.stringify(entry)}\n` },
  ".csv": {
    header: `${names.join(",")}\n`,
    line: (entry) => `${names.map((name) => entry[name] ?? "").join(",")}\n`,
  },
};

/**
 * Open a log, begun anew or gone on with: a last line that a full disk cut short is dropped.
 *
 * @param name  option that names the file, for errors
 * @throws parameter if the name ends in neither .jsonl nor .csv, or a CSV to go on with has other columns; file
 */
export async function openTrainingLog(name: string, path: string, goOn: boolean): Promise<TrainingLog> {
  const format = formats[extname(path)];
  if (format === undefined) {
    const expected = `a name that ends in ${Object.keys(formats).join(" or ")}`;
    throw new VouchError("parameter", { name, expected, got: path, remedy: "The ending says the format." });
  }
  await within(name, () => makeFolder(dirname(path)));
  const begun = goOn && existsSync(path) && (await cutToLines(name, path, format));
  const handle = await open(path, begun ? "a" : "w").catch((error: unknown) => {
    throw unwritable(name, path, error);
  });
  let failed: VouchError | undefined;
  let written = Promise.resolve();
  const append = (text: string) => {
    written = written
      .then(() => (failed ? undefined : handle.appendFile(text)))
      .catch((error: unknown) => {
        failed = unwritable(name, path, error);
      });
  };
  if (!begun) append(format.header);
  return {
    write(event) {
      if (failed) throw failed;
      append(format.line({ time: new Date().toISOString(), ...event }));
    },
    async close() {
      await written;
      await handle.close();
      if (failed) throw failed;
    },
  };
}

/** Drop what follows the last line; false where nothing is left. @throws parameter if the file begins otherwise than the format */
async function cutToLines(name: string, path: string, { header }: Format): Promise<boolean> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw unwritable(name, path, error);
  });
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  if (whole !== "" && !whole.startsWith(header)) {
    throw new VouchError("parameter", {
      name,
      expected: `a log with the columns ${header.trimEnd()}`,
      got: `${whole.slice(0, whole.indexOf("\n"))} in ${path}`,
      remedy: "Name another file.",
    });
  }
  if (whole !== text) await truncate(path, Buffer.byteLength(whole));
  return whole !== "";
}
