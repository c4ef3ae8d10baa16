// Bundles GraphiQL into ../graphiql.js.gz, ../graphiql.css.gz and ../graphiql.LICENSES.txt.gz
// (or into the folder given as an argument).
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));
const target = path.resolve(process.argv[2] ?? path.join(here, ".."));

const ownStyle = {
  name: "own-style",
  setup(build) {
    build.onResolve({ filter: /^react-style-singleton$/ }, () => ({ path: path.join(here, "style-singleton.js") }));
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const css = await readFile(path, "utf8");
      return { contents: css.replace(/@font-face\s*\{[^}]*\}/g, ""), loader: "css" };
    });
    build.onLoad({ filter: /markdown-it[\\/]lib[\\/]rules_block[\\/]table\.mjs$/ }, async ({ path }) => {
      const script = await readFile(path, "utf8");
      const contents = script.replaceAll("['style', 'text-align:' + aligns[i]]", "['class', 'align-' + aligns[i]]");
      if (contents === script) throw new Error(`${path} has changed: see how it aligns a table's cells`);
      return { contents, loader: "js" };
    });
  },
};

const { outputFiles, metafile } = await build({
  absWorkingDir: here,
  entryPoints: ["entry.jsx"],
  outdir: target,
  write: false,
  metafile: true,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["chrome100", "firefox101", "safari16.4"],
  jsx: "automatic",
  legalComments: "none",
  loader: { ".svg": "dataurl" },
  define: { "process.env.NODE_ENV": '"production"', "globalThis.process.env.NODE_ENV": '"production"' },
  plugins: [ownStyle],
});

for (const file of outputFiles) {
  await pack(path.basename(file.path).replace("entry", "graphiql"), file.contents);
}
await pack("graphiql.LICENSES.txt", Buffer.from(await licenses(Object.keys(metafile.inputs))));

async function pack(name, contents) {
  const packed = gzipSync(contents, { level: constants.Z_BEST_COMPRESSION });
  packed[9] = 255; // "Unknown" system, so that every system packs the same bytes.
  await writeFile(path.join(target, `${name}.gz`), packed);
  console.log(`${name}.gz: ${contents.length} bytes, ${packed.length} packed`);
}

// The notice of every package that went into the bundle: alike texts once, under all their names.
async function licenses(inputs) {
  const folders = new Set(inputs.map((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]).filter(Boolean));
  const byText = new Map();
  for (const folder of [...folders].sort()) {
    const root = path.join(here, folder);
    const { name, version, license, author } = JSON.parse(await readFile(path.join(root, "package.json"), "utf8"));
    const file = (await readdir(root)).find((one) => /^licen[cs]e/i.test(one));
    const by = typeof author === "object" ? author?.name : author;
    const text = file ? (await readFile(path.join(root, file), "utf8")).trim() : `${license}${by ? `, by ${by}` : ""}`;
    byText.set(text, [...(byText.get(text) ?? []), `${name} ${version} (${license})`]);
  }
  return [...byText].map(([text, names]) => `${names.join("\n")}\n\n${text}\n`).join(`\n${"-".repeat(80)}\n\n`);
}
