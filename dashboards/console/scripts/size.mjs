// What the browser loads for a first page, as brotli: the document, the entry, the workspace's chunk, and all that they import.
import { readFileSync, statSync } from "node:fs";

const LIMIT_KB = 420;
const PAGES = {
  "overview, queue": ["index.html", "src/workspaces/analyst/index.tsx"],
  enterprise: ["index.html", "src/workspaces/enterprise/index.tsx"],
  regulator: ["index.html", "src/workspaces/regulator/index.tsx"],
  status: ["index.html", "src/workspaces/platform/index.tsx"],
};
const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));
const size = (file) => statSync(new URL(`${file}.br`, dist)).size;

function collect(key, files) {
  const chunk = manifest[key];
  if (!chunk) throw new Error(`not in the manifest: ${key}`);
  if (files.has(chunk.file)) return;
  files.add(chunk.file);
  for (const css of chunk.css ?? []) files.add(css);
  for (const other of chunk.imports ?? []) collect(other, files);
}

let over = false;
for (const [page, keys] of Object.entries(PAGES)) {
  const files = new Set(["index.html", "favicon.svg"]);
  for (const key of keys) collect(key, files);
  const kb = [...files].reduce((sum, file) => sum + size(file), 0) / 1000;
  over ||= kb > LIMIT_KB;
  console.log(`${page.padEnd(16)} ${kb.toFixed(1).padStart(7)} kB of ${LIMIT_KB} kB brotli, ${files.size} files${kb > LIMIT_KB ? "  OVER" : ""}`);
}
process.exit(over ? 1 : 0);
