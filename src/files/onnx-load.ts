/** @file Running an exported .onnx file: checked before use, its codes read as words. */

import type { Label } from "../certificates/labels.js";
import type { Device } from "../engine/device.js";
import { type OpenedModel, openModel } from "../engine/opened.js";
import type { EngineOptions, Float32 } from "../engine/session.js";
import { feedData } from "../model.js";
import { gather } from "../solvers/rows.js";
import type { Status } from "../solvers/solve.js";
import { checkOnnx, type OnnxMetadata } from "./onnx-metadata.js";

/** What the file says of a property, of "convergence" or of the "joint" test. */
export interface ExportedCertificate {
  readonly property: string;
  /** float32; absent of convergence and the joint test. */
  readonly value?: number;
  readonly p?: number;
  readonly label: Label;
}

/** One inference of a file; figures are float32. */
export interface ExportedResult {
  /** Without the sample axis. */
  readonly x: Float32;
  readonly status: Status;
  readonly steps: number;
  readonly residual: Readonly<Record<string, number>>;
  readonly certificates: readonly ExportedCertificate[];
  /** Labels of terms and of convergence all pass. */
  readonly trustworthy: boolean;
}

export interface ExportedModel {
  readonly about: OnnxMetadata;
  readonly device: Device;
  /** Answers to data by name, each [N, …]. @throws shape, data; engine */
  run(data: Readonly<Record<string, Float32>>): Promise<ExportedResult[]>;
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Open a file that `exportOnnx` made.
 *
 * @param file  its name, for errors
 * @throws format as `checkOnnx`; engine
 */
export async function loadOnnx(bytes: Uint8Array, file: string, options: EngineOptions = {}): Promise<ExportedModel> {
  const about = checkOnnx(bytes, file);
  const opened = await openModel(bytes, options);
  return {
    about,
    device: opened.device,
    async run(data) {
      const fed = feedData({ name: about.model, data: about.data }, data);
      const feeds = Object.fromEntries(Object.keys(about.data).map((name) => [name, fed[`data.${name}`]!]));
      return readResults(about, await opened.run(feeds));
    },
    dispose: opened.dispose,
    [Symbol.asyncDispose]: opened[Symbol.asyncDispose],
  };
}

function readResults(
  { statuses, labels }: OnnxMetadata,
  outputs: Awaited<ReturnType<OpenedModel["run"]>>,
): ExportedResult[] {
  const x = outputs["x"] as Float32;
  const under = (group: string) =>
    Object.keys(outputs).flatMap((name) => (name.startsWith(`${group}.`) ? [name.slice(group.length + 1)] : []));
  return Array.from({ length: x.shape[0]! }, (_, n) => {
    const number = (name: string) => outputs[name]?.data[n];
    const certificates = under("label").map((property) => {
      const [value, p] = [number(`value.${property}`), number(`p.${property}`)];
      return {
        ...{ property, label: labels[number(`label.${property}`)!]! },
        ...(value === undefined ? {} : { value }),
        ...(p === undefined ? {} : { p }),
      };
    });
    return {
      x: { shape: x.shape.slice(1), data: gather(x, [n]).data },
      status: statuses[number("status")!]!,
      steps: number("steps")!,
      residual: Object.fromEntries(under("residual").map((name) => [name, number(`residual.${name}`)!])),
      certificates,
      trustworthy: number("trustworthy") === 1,
    };
  });
}
