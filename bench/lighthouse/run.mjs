// node run.mjs pages.json: Lighthouse (mobile) on each page, the figures as JSON on standard output.
// pages.json: {"repeats": 3, "pages": [{"name", "url", "cookie"}]}
import { readFileSync } from "node:fs";
import { launch } from "chrome-launcher";
import lighthouse from "lighthouse";

const CATEGORIES = ["performance", "accessibility", "best-practices", "seo"];
const METRICS = {
  fcp: "first-contentful-paint",
  lcp: "largest-contentful-paint",
  tbt: "total-blocking-time",
  cls: "cumulative-layout-shift",
  si: "speed-index",
};
const { pages, repeats } = JSON.parse(readFileSync(process.argv[2], "utf-8"));

const chrome = await launch({ chromeFlags: ["--headless=new", "--no-sandbox", "--disable-gpu"] });
try {
  for (const page of pages) {
    const runs = [];
    for (let turn = 0, failures = 0; turn < repeats; turn++) {
      const { lhr } = await lighthouse(page.url, {
        port: chrome.port,
        output: "json",
        onlyCategories: CATEGORIES,
        // Cart and checkout ask search engines to stay away, which Lighthouse would count as a fault.
        skipAudits: page.cookie ? ["is-crawlable"] : [],
        extraHeaders: page.cookie ? { Cookie: page.cookie } : {},
        logLevel: "error",
      });
      if (lhr.runtimeError) {
        // A busy browser loses a trace now and then; the page that never works is an error.
        if (++failures > repeats + 2) throw new Error(`${page.url}: ${lhr.runtimeError.message}`);
        turn--;
        continue;
      }
      runs.push(lhr);
    }
    runs.sort((a, b) => a.categories.performance.score - b.categories.performance.score);
    const middle = runs[Math.floor(runs.length / 2)];
    const scores = Object.fromEntries(
      CATEGORIES.map((name) => [name, Math.round(middle.categories[name].score * 100)]),
    );
    const metrics = Object.fromEntries(
      Object.entries(METRICS).map(([name, audit]) => [name, middle.audits[audit].numericValue]),
    );
    const bytes = middle.audits["total-byte-weight"].numericValue;
    const lost = CATEGORIES.flatMap((category) =>
      middle.categories[category].auditRefs
        .filter(({ id, weight }) => weight && middle.audits[id].score < 0.9 && middle.audits[id].score !== null)
        .map(({ id }) => `${category}: ${middle.audits[id].title} ${middle.audits[id].displayValue ?? ""}`.trim()),
    );
    console.log(JSON.stringify({ name: page.name, scores, metrics, bytes, lost }));
  }
} finally {
  await chrome.kill();
}
