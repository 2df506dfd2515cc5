#!/usr/bin/env node
// A small static server, for the site on this machine and for the tests.
//
// node scripts/serve.mjs FOLDER [--port N] [--prefix /PATH/]
//
// Serves FOLDER at http://localhost:N/PATH/, on the loopback address only, with the page's own
// content-security policy, so that what would break it elsewhere breaks it here. What lies compressed
// beside a file (NAME.br) is sent in its place to who understands it.

import { createReadStream, realpathSync } from "node:fs";
import { lstat, realpath, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".jsonl": "application/jsonl; charset=utf-8",
  ".map": "application/json",
  ".md": "text/markdown; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".toml": "application/toml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
};

/**
 * What the page needs, and nothing else: its own scripts and styles, Wasm, a worker. Models may come
 * from any address that its user names, over https; `connect` names those of a hub without it.
 */
export function policy({ connect = [] } = {}) {
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self' blob:",
    "style-src 'self'",
    "img-src 'self' data:",
    ["connect-src 'self' https:", ...connect].join(" "),
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
}

/**
 * Serves each prefix of `roots` (the longest that fits) from its folder; `"/": folder` is the least.
 * Without `port` it is a free one. `headers` go with every answer.
 */
export async function serve(roots, { port = 0, headers = {} } = {}) {
  const folders = Object.entries(roots)
    .map(([prefix, folder]) => ({ prefix, folder: realpathSync(folder) }))
    .sort((a, b) => b.prefix.length - a.prefix.length);
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    response.setHeader("x-content-type-options", "nosniff");
    answer(folders, request, response).catch((error) => {
      // Whoever asked has gone, or the file changed while it was sent: there is nobody to tell.
      if (response.headersSent) return response.destroy(error);
      text(response, 500, `The file could not be read: ${error.code ?? error.message}`);
    });
  });
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    port: server.address().port,
    url: `http://127.0.0.1:${server.address().port}/`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(folders, request, response) {
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    return text(response, 405, "Only GET and HEAD are answered");
  }
  const { pathname, search } = new URL(request.url, "http://localhost");
  const found = await locate(folders, pathname);
  if (found.status !== 200) {
    if (found.location) response.setHeader("location", found.location + search);
    return text(response, found.status, found.message);
  }
  const { path } = found;
  const packed = await compressedBeside(found);
  if (packed) response.setHeader("vary", "accept-encoding");
  const sent = packed && takesBrotli(request) ? packed : found;
  const etag = `"${sent.size.toString(36)}-${Math.round(sent.mtimeMs).toString(36)}"`;
  response.setHeader("cache-control", "no-cache");
  response.setHeader("etag", etag);
  if (request.headers["if-none-match"] === etag) return response.writeHead(304).end();
  if (sent === packed) response.setHeader("content-encoding", "br");
  response.writeHead(200, {
    "content-type": TYPES[extname(path)] ?? "application/octet-stream",
    "content-length": sent.size,
  });
  if (request.method === "HEAD") return response.end();
  await pipeline(createReadStream(sent.path), response);
}

/** The file's compressed form, unless it was made of an earlier one. */
async function compressedBeside({ path, mtimeMs }) {
  const packed = `${path}.br`;
  // Not a link, which may lead out of the folder.
  const details = await about(packed, lstat);
  if (!details?.isFile() || details.mtimeMs < mtimeMs) return undefined;
  return { path: packed, size: details.size, mtimeMs: details.mtimeMs };
}

/** Whether it accepts brotli: `br`, without a weight of nothing. */
function takesBrotli({ headers }) {
  const accepted = (headers["accept-encoding"] ?? "").replaceAll(/\s/g, "").split(",");
  return accepted.some((coding) => coding === "br" || (coding.startsWith("br;q=") && Number(coding.slice(5)) > 0));
}

/** The file of a path, or the status that says why there is none. */
async function locate(folders, pathname) {
  const missing = { status: 404, message: `There is no ${pathname} here` };
  let path;
  try {
    path = decodeURIComponent(pathname);
  } catch {
    return { status: 400, message: `${pathname} is not a path` };
  }
  if (path.includes("\0")) return missing;
  path = normalize(path);
  const root = folders.find(({ prefix }) => path.startsWith(prefix));
  if (!root) {
    const folder = folders.find(({ prefix }) => prefix === `${path}/`);
    return folder ? { status: 301, location: folder.prefix, message: "Moved" } : missing;
  }
  let file = join(root.folder, path.slice(root.prefix.length));
  let details = await about(file);
  if (details?.isDirectory()) {
    if (!path.endsWith("/")) return { status: 301, location: `${pathname}/`, message: "Moved" };
    file = join(file, "index.html");
    details = await about(file);
  }
  if (!details?.isFile()) return missing;
  // A link may lead out of the folder: what lies there was not meant to be served.
  const real = await realpath(file);
  if (!real.startsWith(root.folder + sep)) return missing;
  return { status: 200, path: real, size: details.size, mtimeMs: details.mtimeMs };
}

async function about(path, ask = stat) {
  try {
    return await ask(path);
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ENAMETOOLONG"].includes(error.code)) return undefined;
    throw error;
  }
}

function text(response, status, message) {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${message}\n`);
}

async function main() {
  const { values, positionals } = parseArgs({
    options: { port: { type: "string" }, prefix: { type: "string", default: "/" } },
    allowPositionals: true,
  });
  const [folder] = positionals;
  if (positionals.length !== 1) fail("expected one folder: node scripts/serve.mjs FOLDER [--port N] [--prefix /PATH/]");
  const port = values.port === undefined ? undefined : Number(values.port);
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port < 65536)) fail(`--port: found ${values.port}, expected 0 to 65535`);
  const { prefix } = values;
  if (!/^\/(.*\/)?$/.test(prefix)) fail(`--prefix: found ${prefix}, expected a path that begins and ends with /`);
  const server = await start({ [prefix]: folder }, port).catch((error) => {
    if (error.code === "EADDRINUSE") fail(`port ${port} is taken: name another one with --port, or none for a free one`);
    if (error.code === "EACCES") fail(`port ${port} may not be used by this user: name one from 1024 on with --port`);
    if (error.code === "ENOENT") fail(`${folder} does not exist`);
    throw error;
  });
  console.log(`http://localhost:${server.port}${prefix}`);
}

/** On the port that is asked for; else on the usual one where that is free. */
async function start(roots, port) {
  const headers = { "content-security-policy": policy() };
  try {
    return await serve(roots, { port: port ?? 8080, headers });
  } catch (error) {
    if (port !== undefined || error.code !== "EADDRINUSE") throw error;
    return serve(roots, { headers });
  }
}

function fail(message) {
  console.error(`serve.mjs: ${message}`);
  process.exit(1);
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await main();
