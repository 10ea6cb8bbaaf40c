/** @file Headless Chromium with the library bundled for browsers, served from this process without cross-origin isolation. */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import type { Calls } from "./page.js";

const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
/** Why there is no browser to run in; undefined where there is one. */
export const noBrowser = existsSync(CHROMIUM) ? undefined : `no Chromium at ${CHROMIUM}; set CHROMIUM to its path`;

/** WebGPU computed on the processor, so that it is the same on every machine. */
const SOFTWARE_GPU = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

export interface Browser {
  /** Version of Chromium. */
  readonly version: string;
  call<K extends keyof Calls>(name: K, ...args: Parameters<Calls[K]>): Promise<Awaited<ReturnType<Calls[K]>>>;
  /** Paths asked of the server. */
  readonly requests: readonly string[];
  isolated(): Promise<boolean>;
  close(): Promise<void>;
}

type Call = (...args: readonly unknown[]) => unknown;

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** @param gpu  with WebGPU on a software adapter; otherwise WebGPU has no adapter */
export async function openBrowser({ gpu }: { readonly gpu: boolean }): Promise<Browser> {
  const { outputFiles } = await build({
    entryPoints: [here("page.ts")],
    bundle: true,
    platform: "browser",
    format: "esm",
    target: "es2022",
    write: false,
    logLevel: "error",
  });
  const engine = dirname(createRequire(import.meta.url).resolve("onnxruntime-web"));
  const requests: string[] = [];
  const server = createServer(async ({ url = "/" }, response) => {
    const { pathname } = new URL(url, "http://localhost");
    requests.push(pathname);
    const [type, body] =
      pathname === "/"
        ? ["text/html", '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>']
        : pathname === "/page.js"
          ? ["text/javascript", outputFiles[0]!.contents]
          : ["application/wasm", await readFile(join(engine, basename(pathname)))];
    response.writeHead(200, { "content-type": type }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", ...(gpu ? SOFTWARE_GPU : ["--disable-gpu"])],
  });
  const close = async () => {
    await browser.close();
    server.close();
  };
  try {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on("pageerror", ({ message }) => errors.push(message));
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction("globalThis.calls !== undefined", undefined, { timeout: 30_000 }).catch((cause) => {
      throw new Error(`the page did not start: ${errors.join("; ")}`, { cause });
    });
    return {
      version: browser.version(),
      requests,
      isolated: () => page.evaluate("globalThis.crossOriginIsolated"),
      call: (name, ...args) =>
        page.evaluate(
          ([key, given]) => (globalThis as unknown as { calls: Record<string, Call> }).calls[key]!(...given),
          [name, args] as const,
        ) as never,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
