import type { FileHandle } from "node:fs/promises";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { readFileOrExplain, writeFileAtomic } from "../../cli/files.js";

const disk = vi.hoisted(() => ({ failAt: "" }));

/** The real file system, where one named call fails as on a full disk, after half of the bytes. */
vi.mock("node:fs/promises", async (importOriginal) => {
  const real = await importOriginal<typeof import("node:fs/promises")>();
  const full = () => Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
  const open: typeof real.open = async (...args) => {
    const handle = await real.open(...args);
    const write = handle.writeFile.bind(handle);
    const replaced: Partial<FileHandle> = {
      writeFile: async (data) => {
        await write((data as Uint8Array).subarray(0, (data as Uint8Array).length >> 1));
        throw full();
      },
      sync: () => Promise.reject(full()),
    };
    if (disk.failAt === "writeFile" || disk.failAt === "sync") {
      Object.assign(handle, { [disk.failAt]: replaced[disk.failAt] });
    }
    return handle;
  };
  const rename: typeof real.rename = async (...args) => {
    if (disk.failAt === "rename") throw full();
    return real.rename(...args);
  };
  return { ...real, open, rename };
});

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouch-files-"));
});
afterEach(async () => {
  disk.failAt = "";
  await rm(folder, { recursive: true });
});

const bytes = Uint8Array.of(1, 2, 3, 4);

describe("writeFileAtomic", () => {
  test("writes, replaces, and leaves nothing else", async () => {
    const path = join(folder, "x.npy");
    await writeFileAtomic(path, bytes);
    expect(await readFileOrExplain(path, "an image")).toEqual(Buffer.from(bytes));
    await writeFileAtomic(path, bytes.subarray(2));
    expect(await readFile(path)).toEqual(Buffer.from([3, 4]));
    expect(await readdir(folder)).toEqual(["x.npy"]);
  });

  test("many writers at once leave one whole file", async () => {
    const path = join(folder, "x.npy");
    await Promise.all(Array.from({ length: 10 }, (_, i) => writeFileAtomic(path, new Uint8Array(1000).fill(i))));
    const written = await readFile(path);
    expect(written.length).toBe(1000);
    expect(new Set(written).size).toBe(1);
    expect(await readdir(folder)).toEqual(["x.npy"]);
  });

  test.each(["writeFile", "sync", "rename"])("a failing %s leaves no file under the final name", async (call) => {
    disk.failAt = call;
    await expect(writeFileAtomic(join(folder, "x.npy"), bytes)).rejects.toThrow("a full disk");
    expect(await readdir(folder)).toEqual([]);
  });

  test.each(["writeFile", "sync", "rename"])("a failing %s leaves the earlier content", async (call) => {
    const path = join(folder, "x.npy");
    await writeFile(path, "earlier");
    disk.failAt = call;
    await expect(writeFileAtomic(path, bytes)).rejects.toMatchObject({ code: "file" });
    expect(await readFile(path, "utf8")).toBe("earlier");
    expect(await readdir(folder)).toEqual(["x.npy"]);
  });

  test("a folder in the way stays, and a missing folder is named", async () => {
    await mkdir(join(folder, "sub"));
    await writeFile(join(folder, "sub", "inside"), "kept");
    await expect(writeFileAtomic(join(folder, "sub"), bytes)).rejects.toMatchObject({ code: "file" });
    expect(await readdir(folder)).toEqual(["sub"]);
    await expect(writeFileAtomic(join(folder, "none", "x"), bytes)).rejects.toThrow("no such file or folder");
  });

  test("a leftover temporary of an ended process is not in the way", async () => {
    await writeFile(join(folder, `.x.npy.${process.pid}-0.tmp`), "leftover");
    await writeFileAtomic(join(folder, "x.npy"), bytes);
    expect(await readFile(join(folder, "x.npy"))).toEqual(Buffer.from(bytes));
  });
});

describe("readFileOrExplain", () => {
  test("names what is missing and where", async () => {
    const path = join(folder, "none.npy");
    await expect(readFileOrExplain(path, "sinograms (.npy)")).rejects.toThrow(
      `expected sinograms (.npy) at ${path}, got no such file or folder`,
    );
  });
  test("a folder and an empty file are refused", async () => {
    await expect(readFileOrExplain(folder, "an image")).rejects.toThrow("got a folder");
    await writeFile(join(folder, "empty"), "");
    await expect(readFileOrExplain(join(folder, "empty"), "an image")).rejects.toMatchObject({ code: "data" });
  });
});
