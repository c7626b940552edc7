// Writes basecoat.css into the folder it is run in: the Basecoat components that its package.json
// names ("basecoat": file and title), structure and "vega" look.
// Basecoat ships the look of all components in one file, so its sections are cut out by title.
import { readFileSync, writeFileSync } from "node:fs";

const COMPONENTS = JSON.parse(readFileSync("package.json", "utf8")).basecoat;
const dist = new URL("node_modules/basecoat-css/dist/", `file://${process.cwd()}/`);
const look = readFileSync(new URL("styles/vega.css", dist), "utf8");
const sections = new Map();
let title = "";
for (const line of look.split("\n")) {
  const heading = line.match(/^(?: {2})?\/\* (.+?) \*\/\s*$/);
  if (heading) title = heading[1];
  else if (title && line !== "@layer components {" && line !== "}") {
    sections.set(title, `${sections.get(title) ?? ""}${line}\n`);
  }
}
let css = "/* Made by tools/css/subset.mjs from basecoat-css; do not edit. */\n";
for (const [file, name] of Object.entries(COMPONENTS)) {
  if (!sections.has(name)) throw new Error(`basecoat-css has no section ${name}`);
  css += readFileSync(new URL(`components/${file}.css`, dist), "utf8");
  css += `@layer components {\n${sections.get(name)}}\n`;
}
writeFileSync("basecoat.css", css);
