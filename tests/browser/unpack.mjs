// Unpacks the browser that npm has fetched: node unpack.mjs <package's bin folder> <target folder>.
import { createReadStream, createWriteStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";

const [from, to] = process.argv.slice(2);
mkdirSync(to, { recursive: true });
for (const [packed, name] of [
  ["chromium.br", "chromium"],
  ["al2023.tar.br", "libraries.tar"],
  ["swiftshader.tar.br", "graphics.tar"],
  ["fonts.tar.br", "fonts.tar"],
]) {
  await pipeline(createReadStream(join(from, packed)), createBrotliDecompress(), createWriteStream(join(to, name)));
}
