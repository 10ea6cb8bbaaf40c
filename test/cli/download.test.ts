/** @file Downloads from a server that breaks off, knows no ranges, sends other bytes, or is not there. */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zipSync } from "fflate";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { random } from "../../src/random.js";
import { runCommand } from "./run.js";

/** Bytes that no zip makes fewer. */
const noise = (length: number, seed: number) => {
  const draws = random(seed);
  return Uint8Array.from({ length }, () => draws.integer(256));
};
const slices = { "ground_truth_test_000.hdf5": noise(90_000, 1), "ground_truth_test_001.hdf5": noise(70_000, 2) };
const files: Record<string, Uint8Array> = {
  "ground_truth_test.zip": zipSync({ "some/folder/": new Uint8Array(), ...slices }),
  "patient_ids_rand_test.csv": new TextEncoder().encode("692\n693\n"),
  "ground_truth_validation.zip": zipSync({ "ground_truth_validation_000.hdf5": noise(50_000, 3) }, { level: 0 }),
};
const archive = files["ground_truth_test.zip"]!;

/** What the server does with a file; reset before each test. */
let serve: (file: Uint8Array, request: IncomingMessage, response: ServerResponse) => void;
let asked: { file: string; range: string | undefined }[] = [];
let server: Server;
let url = "";
let out = "";

const startOf = ({ headers }: IncomingMessage) => Number(/bytes=(\d+)-/.exec(headers.range ?? "")?.[1] ?? 0);

/** The bytes asked for, up to `until`, where the connection breaks. */
const ranged =
  (until = Number.POSITIVE_INFINITY): typeof serve =>
  (file, request, response) => {
    const start = startOf(request);
    const headers = {
      "content-length": file.length - start,
      "content-range": `bytes ${start}-${file.length - 1}/${file.length}`,
    };
    response.writeHead(start > 0 ? 206 : 200, headers);
    const sent = file.subarray(start, Math.min(file.length, start + until));
    if (sent.length === file.length - start) response.end(sent);
    else response.write(sent, () => setTimeout(() => response.destroy(), 200));
  };

beforeAll(async () => {
  server = createServer((request, response) => {
    const key = request.url!.slice(1);
    if (key === "record") {
      const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest("hex");
      const listed = Object.entries(files).map(([name, bytes]) => ({
        ...{ key: name, size: bytes.length, checksum: `md5:${md5(bytes)}`, links: { self: `${url}/${name}` } },
      }));
      response.end(JSON.stringify({ id: 1, files: listed }));
      return;
    }
    if (key === "page") {
      response.end("<html>");
      return;
    }
    asked.push({ file: key, range: request.headers.range });
    if (files[key]) serve(files[key], request, response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "vouch-download-"));
  [serve, asked] = [ranged(), []];
});
afterEach(() => rm(out, { recursive: true }));

const fetchAll = (words: readonly string[] = [], options = {}) =>
  runCommand(["data", "download", "lodopab", "--out", out, "--record", `${url}/record`, ...words], options);

async function expectWhole(): Promise<void> {
  for (const [name, bytes] of Object.entries(slices)) {
    expect(Buffer.from(bytes).equals(await readFile(join(out, name)))).toBe(true);
  }
  expect((await readdir(out)).sort()).toEqual([
    "ground_truth_test.zip.members.json",
    "ground_truth_test_000.hdf5",
    "ground_truth_test_001.hdf5",
    "patient_ids_rand_test.csv",
  ]);
}

describe("a download", () => {
  it("is whole and unpacked, shows its progress, and is not made again", async () => {
    const { figures, progress } = await fetchAll();
    expect(figures).toEqual({ files: 3 });
    expect(progress["ground_truth_test.zip"]).toBe(archive.length / 1e6);
    await expectWhole();
    asked = [];
    expect((await fetchAll()).figures).toEqual({ files: 0 });
    expect(asked).toEqual([]);
    // What was lost since is fetched.
    await rm(join(out, "ground_truth_test_001.hdf5"));
    expect((await fetchAll()).figures).toEqual({ files: 2 });
    await expectWhole();
  });

  it("goes on over broken connections, from where each broke", async () => {
    serve = ranged(40_000);
    await fetchAll();
    await expectWhole();
    const of = asked.filter(({ file }) => file === "ground_truth_test.zip");
    expect(of[0]!.range).toBeUndefined();
    const starts = [0, ...of.slice(1).map(({ range }) => Number(/^bytes=(\d+)-$/.exec(range!)![1]))];
    expect(starts.length).toBeGreaterThanOrEqual(Math.ceil(archive.length / 40_000));
    // What was sent and not yet read when a connection broke is asked for again.
    for (const [i, start] of starts.entries()) expect(start).toBeLessThanOrEqual(40_000 * i);
    expect(starts).toEqual([...new Set(starts)].sort((a, b) => a - b));
  });

  it("goes on from what an earlier one left", async () => {
    await writeFile(join(out, "ground_truth_test.zip.part"), archive.subarray(0, 5_000));
    await fetchAll();
    await expectWhole();
    expect(asked.at(-1)).toEqual({ file: "ground_truth_test.zip", range: "bytes=5000-" });
  });

  it("begins anew with a server that knows no ranges", async () => {
    await writeFile(join(out, "ground_truth_test.zip.part"), archive.subarray(0, 5_000));
    serve = (file, _, response) => void response.end(file);
    await fetchAll();
    await expectWhole();
  });

  it("ends when connections bring nothing more, and keeps what came", async () => {
    serve = (file, request, response) => (startOf(request) > 0 ? ranged(0) : ranged(30_000))(file, request, response);
    await expect(fetchAll()).rejects.toThrow(/expected \d+ bytes of .*zip, got 30000, then the connection broke/);
    expect((await readFile(join(out, "ground_truth_test.zip.part"))).length).toBe(30_000);
    serve = ranged();
    await fetchAll();
    await expectWhole();
  });

  it("of other bytes is refused by its digest, and removed", async () => {
    const changed = archive.slice();
    changed[70_000]! ^= 1;
    serve = (file, request, response) => ranged()(file === archive ? changed : file, request, response);
    await expect(fetchAll()).rejects.toThrow(/expected md5 [0-9a-f]{32} of .*, got [0-9a-f]{32}\. Say it again/);
    expect((await readdir(out)).filter((name) => name.includes("ground_truth"))).toEqual([]);
    serve = (file, _, response) => void response.end(Buffer.concat([file, file]));
    await expect(fetchAll()).rejects.toThrow(/got more than \d+ bytes/);
    serve = ranged();
    await fetchAll();
    await expectWhole();
  });

  it("of ranges that were not asked for is refused", async () => {
    await writeFile(join(out, "ground_truth_test.zip.part"), archive.subarray(0, 5_000));
    serve = (file, _, response) =>
      void response.writeHead(206, { "content-range": `bytes 0-9/${file.length}` }).end(file.subarray(0, 10));
    await rm(join(out, "patient_ids_rand_test.csv"), { force: true });
    await writeFile(join(out, "patient_ids_rand_test.csv"), files["patient_ids_rand_test.csv"]!);
    await expect(fetchAll()).rejects.toThrow("zip from byte 5000, got bytes 0-9/");
  });

  it("that is cancelled keeps what came, says so, and goes on", async () => {
    const controller = new AbortController();
    serve = (file, request, response) => {
      if (file !== archive) return ranged()(file, request, response);
      response.writeHead(200, { "content-length": file.length });
      response.write(file.subarray(0, 20_000), () => setTimeout(() => controller.abort(), 200));
    };
    const { exit, lines } = await fetchAll([], { signal: controller.signal });
    expect([exit, lines.at(-1)]).toEqual([130, expect.stringContaining("the same command goes on from there")]);
    expect((await readFile(join(out, "ground_truth_test.zip.part"))).length).toBe(20_000);
    serve = ranged();
    await fetchAll();
    await expectWhole();
    expect(asked.at(-1)?.range).toBe("bytes=20000-");
  });
});

describe("what cannot be had is said", () => {
  it("without a network", async () => {
    const words = ["data", "download", "lodopab", "--out", out, "--record", "http://127.0.0.1:9/record"];
    await expect(runCommand(words)).rejects.toThrow(
      /expected an answer from 127\.0\.0\.1:9, got no network, or none that leads there \(.+\)\. Check the network/,
    );
    await expect(runCommand(words)).rejects.toThrow(expect.objectContaining({ code: "file" }));
  });

  it.each<[string, readonly string[], string]>([
    [
      "a file that is not in the record",
      ["--kinds", "observation"],
      "expected observation_test.zip in the record, got ground_",
    ],
    ["a record that is none", ["--record", "PAGE"], "expected JSON at"],
    ["an address that is none", ["--record", "zenodo"], 'expected an address, https://…, got "zenodo"'],
  ])("%s", async (_, words, expected) => {
    const named = words.map((word) => (word === "PAGE" ? `${url}/page` : word));
    await expect(fetchAll(named)).rejects.toThrow(expected);
  });

  it("another set, and a server's refusal", async () => {
    await expect(runCommand(["data", "download", "imagenet", "--out", out])).rejects.toThrow(
      'expected lodopab, got "imagenet"',
    );
    serve = (_file, _request, response) => void response.writeHead(503).end();
    await expect(fetchAll()).rejects.toThrow(/expected a file at .*csv, got HTTP 503/);
  });

  it("a list of patients the record has not, in a line", async () => {
    const { lines } = await fetchAll(["--parts", "validation"]);
    expect(lines[0]).toContain("patient_ids_rand_validation.csv is not in the record");
    expect(existsSync(join(out, "ground_truth_validation_000.hdf5"))).toBe(true);
  });

  it("an archive of the right digest that is no zip", async () => {
    const bytes = noise(1000, 9);
    files["ground_truth_train.zip"] = bytes;
    await expect(fetchAll(["--parts", "train"])).rejects.toThrow("to be an undamaged zip");
    files["ground_truth_train.zip"] = archive.subarray(0, 60_000);
    await rm(join(out, "ground_truth_train.zip"));
    await expect(fetchAll(["--parts", "train"])).rejects.toThrow("undamaged zip, got invalid zip data");
    delete files["ground_truth_train.zip"];
  });
});
