// A hub on the loopback address that behaves like huggingface.co: downloads are sent on to another
// host, which allows plain GETs from anywhere and nothing that needs a preflight.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

export const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const CORS = { "access-control-allow-origin": "*" };

/**
 * `files` are those of the model `school/tiny`, by name. `behaviour` may be changed at any time:
 * `ranges` (the host of downloads continues a file), `holdAt` (transfers stop after so many bytes and
 * wait for `breakHeld`), `wrong` (its hashes are not those of the files), `status` (all it answers),
 * `sizes` (whether it tells lengths and hashes), `headers` (that the host of downloads sends, too).
 */
export async function startHub(files) {
  const requests = [];
  const held = new Set();
  const behaviour = { ranges: false, holdAt: undefined, wrong: false, status: 200, sizes: true, headers: {} };

  const downloads = await listen((request, response) => {
    const { method, headers } = request;
    const name = decodeURIComponent(new URL(request.url, "http://localhost").pathname.slice(1));
    requests.push({ host: "downloads", method, name, headers });
    const bytes = files[name];
    if (method !== "GET") return response.writeHead(403).end();
    if (!bytes) return response.writeHead(404, CORS).end();
    const range = behaviour.ranges && /^bytes=(\d+)-$/.exec(headers.range ?? "");
    const start = range ? Number(range[1]) : 0;
    const rest = bytes.subarray(start);
    response.writeHead(range ? 206 : 200, {
      ...CORS,
      ...behaviour.headers,
      "content-length": rest.length,
      ...(range && { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
    });
    const { holdAt } = behaviour;
    if (holdAt !== undefined && holdAt < rest.length) {
      held.add(response);
      response.write(rest.subarray(0, holdAt));
    } else {
      response.end(rest);
    }
  });

  const hub = await listen((request, response) => {
    const { pathname, search } = new URL(request.url, "http://localhost");
    requests.push({ host: "hub", method: request.method, name: pathname, headers: request.headers });
    if (behaviour.status !== 200) return response.writeHead(behaviour.status, CORS).end();
    if (/^\/api\/models\/school\/tiny\/revision\/(main|[0-9a-f]{40})$/.test(pathname)) {
      const siblings = Object.entries(files).map(([rfilename, bytes]) => sibling(rfilename, bytes, search, behaviour));
      response.writeHead(200, { ...CORS, "content-type": "application/json" });
      return response.end(JSON.stringify({ id: "school/tiny", sha: COMMIT, siblings }));
    }
    const file = new RegExp(`^/school/tiny/resolve/${COMMIT}/(.+)$`).exec(pathname)?.[1];
    if (file) return response.writeHead(302, { ...CORS, location: `${downloads.url}${file}` }).end();
    return response.writeHead(404, CORS).end();
  });

  return {
    url: hub.url,
    downloads: downloads.url,
    requests,
    behaviour,
    /** Requests for a file at the host of downloads. */
    asked: (name) => requests.filter((request) => request.host === "downloads" && request.name === name),
    /** Breaks the transfers that wait, and holds none from now on. */
    breakHeld() {
      behaviour.holdAt = undefined;
      for (const response of held) response.destroy();
      held.clear();
    },
    /** From now on nobody answers. */
    pause() {
      hub.close();
      downloads.close();
    },
    close() {
      hub.close();
      downloads.close();
    },
  };
}

function sibling(rfilename, bytes, search, { sizes, wrong }) {
  if (!sizes || !search.includes("blobs=true")) return { rfilename };
  const size = bytes.length;
  if (!rfilename.endsWith(".safetensors")) return { rfilename, size };
  const sha256 = wrong ? "0".repeat(64) : createHash("sha256").update(bytes).digest("hex");
  return { rfilename, size, lfs: { sha256, size } };
}

/** The files of a model's directory. */
export function modelFiles(directory) {
  const names = ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json"];
  return Object.fromEntries(names.map((name) => [name, readFileSync(`${directory}/${name}`)]));
}

/** The same model with its weights in two files, and the index that names them. */
export function inShards({ "model.safetensors": weights, ...files }) {
  const length = Number(weights.readBigUInt64LE(0));
  const { __metadata__: metadata, ...tensors } = JSON.parse(weights.subarray(8, 8 + length).toString());
  const names = Object.keys(tensors).sort();
  const shards = [names.slice(0, names.length / 2), names.slice(names.length / 2)];
  const map = {};
  shards.forEach((names, place) => {
    const file = `model-0000${place + 1}-of-00002.safetensors`;
    const header = {};
    const parts = [];
    let offset = 0;
    for (const name of names) {
      const [start, end] = tensors[name].data_offsets;
      parts.push(weights.subarray(8 + length + start, 8 + length + end));
      header[name] = { ...tensors[name], data_offsets: [offset, offset + end - start] };
      offset += end - start;
      map[name] = file;
    }
    const text = Buffer.from(JSON.stringify({ ...(metadata && { __metadata__: metadata }), ...header }));
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(text.length));
    files[file] = Buffer.concat([size, text, ...parts]);
  });
  const index = { metadata: { total_size: weights.length - 8 - length }, weight_map: map };
  return { ...files, "model.safetensors.index.json": Buffer.from(JSON.stringify(index)) };
}

async function listen(handle) {
  const server = createServer(handle);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
