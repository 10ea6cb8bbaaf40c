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

/** What a machine has, and which of it computes where none is asked for. */
interface Offer {
  readonly available: readonly DeviceName[];
  readonly auto: Device;
}

/**
 * The device asked for, or for "auto": in Node the processor, in a browser WebGPU where its adapter is hardware, else WASM.
 *
 * @throws engine if the machine, as far as it shows before a session is made, has no such device
 */
export async function chooseDevice(ort: Runtime, asked: "auto" | DeviceName): Promise<Device> {
  const { available, auto } = isWeb(ort) ? await offerOfBrowser() : offerOfNode(ort);
  if (asked === "auto") return { ...auto, reason: `auto: ${auto.reason}` };
  if (available.includes(asked)) return { name: asked, reason: "asked for" };
  throw new VouchError("engine", {
    name: "compile: device",
    expected: available.join(" or "),
    got: `"${asked}" (${auto.reason})`,
    remedy: "Leave it out for a device that is there, chosen with a reason.",
  });
}

function offerOfNode(ort: Runtime): Offer {
  const built = ort.listSupportedBackends().map(({ name }) => name);
  return {
    available: NAMES.filter((name) => built.includes(name)),
    auto: { name: "cpu", reason: "in Node the processor, unless a GPU is asked for by name" },
  };
}

async function offerOfBrowser(): Promise<Offer> {
  const { gpu } = (globalThis as Host).navigator ?? {};
  const adapter = await gpu?.requestAdapter();
  if (!adapter) {
    const reason = gpu === undefined ? "there is no WebGPU in this page" : "WebGPU has no adapter here";
    return { available: ["wasm"], auto: { name: "wasm", reason } };
  }
  const { vendor = "", architecture = "", isFallbackAdapter = false } = adapter.info ?? {};
  const called = `${vendor} ${architecture}`.trim() || "of no name";
  const software = isFallbackAdapter || architecture === "swiftshader";
  return {
    available: ["wasm", "webgpu"],
    auto: software
      ? { name: "wasm", reason: `the WebGPU adapter (${called}) is software` }
      : { name: "webgpu", reason: `there is a WebGPU adapter (${called})` },
  };
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
