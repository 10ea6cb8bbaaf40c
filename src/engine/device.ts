/** @file Where a session computes: the device asked for, or one chosen with a stated reason; never another in its place. */

import { VouchError } from "../errors.js";
import type { Runtime } from "./runtime.js";

const NAMES = ["cpu", "cuda", "wasm", "webgpu"] as const;

/**
 * "cpu" and "cuda" in Node, "wasm" (the processor) in a browser, "webgpu" in both. Operators without a kernel on a GPU run on the
 * processor beside it.
 */
export type DeviceName = (typeof NAMES)[number];

export interface Device {
  readonly name: DeviceName;
  /** Why this one. */
  readonly reason: string;
}

/** What is used of a browser here. @source W3C WebGPU, GPU and GPUAdapterInfo; HTML, crossOriginIsolated */
interface Host {
  readonly crossOriginIsolated?: boolean;
  readonly navigator?: {
    readonly gpu?: { requestAdapter(): Promise<{ readonly info?: AdapterInfo } | null> };
  };
}

interface AdapterInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly isFallbackAdapter?: boolean;
}

/** Devices the runtime was built for; that they can be used shows when a session is made. */
export function devicesOf(ort: Runtime): readonly DeviceName[] {
  if (isWeb(ort)) return (globalThis as Host).navigator?.gpu ? ["wasm", "webgpu"] : ["wasm"];
  const built = ort.listSupportedBackends().map(({ name }) => name);
  return NAMES.filter((name) => built.includes(name));
}

/**
 * The device asked for, or for "auto": in Node the processor, in a browser WebGPU where its adapter is hardware, else WASM.
 *
 * @throws engine if the runtime has no such device
 */
export async function chooseDevice(ort: Runtime, asked: "auto" | DeviceName): Promise<Device> {
  if (asked === "auto") return isWeb(ort) ? chooseInBrowser() : { name: "cpu", reason: AUTO_NODE };
  const available = devicesOf(ort);
  if (available.includes(asked)) return { name: asked, reason: "asked for" };
  throw new VouchError("engine", {
    name: "compile: device",
    expected: available.join(" or "),
    got: `"${asked}"`,
    remedy: isWeb(ort)
      ? "Leave it out for a choice with a reason; WebGPU wants a browser that has it and a secure page."
      : "Leave it out for the processor; wasm is for browsers.",
  });
}

const AUTO_NODE = "auto: the processor; in Node a GPU is asked for by name";

async function chooseInBrowser(): Promise<Device> {
  const { gpu } = (globalThis as Host).navigator ?? {};
  if (gpu === undefined) return { name: "wasm", reason: "auto: there is no WebGPU here" };
  const adapter = await gpu.requestAdapter();
  if (adapter === null) return { name: "wasm", reason: "auto: WebGPU has no adapter here" };
  const { vendor = "", architecture = "", isFallbackAdapter = false } = adapter.info ?? {};
  const called = `${vendor} ${architecture}`.trim() || "of no name";
  return isFallbackAdapter || architecture === "swiftshader"
    ? { name: "wasm", reason: `auto: the WebGPU adapter (${called}) is software` }
    : { name: "webgpu", reason: `auto: a WebGPU adapter (${called})` };
}

/** A browser's engine fixes its threads with the first session, and has one in a page that shares no memory. */
export function limitThreads(ort: Runtime, threads: number | undefined): void {
  if (!isWeb(ort)) return;
  if (!(globalThis as Host).crossOriginIsolated) ort.env.wasm.numThreads = 1;
  else if (threads !== undefined) ort.env.wasm.numThreads = threads;
}

/** Of the two packages only onnxruntime-web names a version under `web`. */
function isWeb(ort: Runtime): boolean {
  return ort.env.versions.web !== undefined;
}
