// Writes basecoat.css: the Basecoat components that the admin uses, structure and "vega" look.
// Basecoat ships the look of all components in one file, so its sections are cut out by title.
import { readFileSync, writeFileSync } from "node:fs";

const COMPONENTS = {
  alert: "Alert",
  badge: "Badge",
  breadcrumb: "Breadcrumb",
  button: "Button",
  field: "Field",
  input: "Input",
  label: "Label",
  "native-select": "Native Select",
  table: "Table",
};
const dist = new URL("./node_modules/basecoat-css/dist/", import.meta.url);
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
let css = "/* Made by subset.mjs from basecoat-css; do not edit. */\n";
for (const [file, name] of Object.entries(COMPONENTS)) {
  if (!sections.has(name)) throw new Error(`basecoat-css has no section ${name}`);
  css += readFileSync(new URL(`components/${file}.css`, dist), "utf8");
  css += `@layer components {\n${sections.get(name)}}\n`;
}
writeFileSync(new URL("./basecoat.css", import.meta.url), css);
