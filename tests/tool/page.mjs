// Uses a page as a person would, in a browser, and prints what is wrong with it. On the command line: which page, the
// program's address, the browser's path, the admin's key, and a folder for pictures.
import { chromium } from "playwright-core";

const [scene, address, executablePath, key, pictures] = process.argv.slice(-5);
const WIDE = { width: 1440, height: 900 };
const NARROW = { width: 375, height: 740 };
const found = [];
const browser = await chromium.launch({ executablePath, args: ["--disable-gpu"] });

// A new visitor. Whatever the page asks from elsewhere, prints as an error or is refused is a finding.
async function visit(name, colorScheme, viewport, use) {
  const context = await browser.newContext({ colorScheme, viewport });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const say = (text) => found.push(`${name}: ${text}`);
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (origin !== address && !["data:", "blob:"].includes(protocol)) say(`asks another host: ${request.url()}`);
  });
  page.on("requestfailed", (request) => say(`a request failed: ${request.url()} ${request.failure()?.errorText}`));
  page.on("response", (response) => response.status() >= 400 && say(`${response.status()} for ${response.url()}`));
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && say(`${message.type()} in the console: ${message.text()}`));
  page.on("pageerror", (error) => say(`an error nobody caught: ${error.stack}`));
  await page.addInitScript(() =>
    document.addEventListener("securitypolicyviolation", (event) => console.error(`refused: ${event.violatedDirective} ${event.blockedURI}`)),
  );
  const picture = (part) => page.screenshot({ path: `${pictures}/${name}-${part}.png`, animations: "disabled" });
  try {
    await use(page, say, picture);
  } catch (error) {
    say(error.message);
    await picture("failed");
  }
  await context.close();
}

// Whether the page can be moved sideways, and by what.
async function sideways(page, say) {
  const wider = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return undefined;
    const out = [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > width + 1);
    return `${document.documentElement.scrollWidth} pixels wide in ${width}: ${out.slice(0, 5).map((one) => `${one.tagName}.${one.className}`)}`;
  });
  if (wider) say(`scrolls sideways at ${page.url()}: ${wider}`);
}

// How bright the page is behind its text, from 0 to 1.
const brightness = (page, selector) =>
  page.evaluate((selector) => {
    for (let one = document.querySelector(selector); one; one = one.parentElement) {
      const [red, green, blue, alpha = 1] = getComputedStyle(one).backgroundColor.match(/[\d.]+/g).map(Number);
      if (alpha > 0) return (red + green + blue) / 765;
    }
    return 1;
  }, selector);

async function suits(page, scheme, selector, say) {
  const bright = await brightness(page, selector);
  if (bright > 0.5 !== (scheme === "light")) say(`is not ${scheme}: ${bright}`);
}

const text = (page, selector) => page.locator(selector).first().innerText();

// Waits until what a selector shows contains the words.
const shows = (page, selector, words) => page.locator(selector).filter({ hasText: words }).first().waitFor();

// Puts a text, as one that was pasted, in the place of what an editor has, and waits until the editor has it.
async function paste(page, editor, text) {
  await page.click(`${editor} .CodeMirror-lines >> visible=true`);
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText(text);
  await page.waitForFunction(
    ([editor, text]) => [...document.querySelectorAll(`${editor} .CodeMirror`)].some((one) => one.CodeMirror.getValue() === text),
    [editor, text],
  );
}

async function graphiql(scheme) {
  await visit(`graphiql-${scheme}`, scheme, WIDE, async (page, say, picture) => {
    await page.goto(`${address}/graphql`);
    await page.click(".graphiql-execute-button");
    await shows(page, ".result-window", '"nodes"');
    await suits(page, scheme, ".graphiql-container", say);
    await picture("1-run");

    await page.click('button[aria-label="Show Documentation Explorer"]');
    await shows(page, ".graphiql-doc-explorer", "Query");
    await page.click(".graphiql-doc-explorer a >> text=Query");
    await shows(page, ".graphiql-doc-explorer", "tracksAggregate");
    await picture("2-docs");

    await page.click('button[aria-label*="GraphiQL Explorer"]');
    await shows(page, ".graphiql-explorer-root", "artists");
    await picture("3-explorer");

    await page.click(".graphiql-query-editor .CodeMirror-lines");
    await page.keyboard.press("Control+a");
    await page.keyboard.type("{ artists { nodes { nam");
    await page.keyboard.press("Control+Space");
    // The only name that begins so is completed at once, or stands in the list.
    await page.waitForFunction(
      () => /nodes \{ name|^name/m.test([...document.querySelectorAll(".CodeMirror-hints li, .graphiql-query-editor .CodeMirror-line")].map((one) => one.textContent).join("\n")),
    );
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+a");
    await page.keyboard.type("{ artists { nodes { ");
    await page.keyboard.press("Control+Space");
    await shows(page, ".CodeMirror-hints", "biography");
    await picture("4-complete");
    await page.keyboard.press("Escape");

    await paste(page, ".graphiql-query-editor", "{ customers { nodes { name } } }");
    await page.click('button[data-name="headers"]');
    await paste(page, ".graphiql-editor-tool", JSON.stringify({ Authorization: `Bearer ${key}` }));
    await page.keyboard.press("Control+Enter");
    await shows(page, ".result-window", '"customers"');
    await picture("5-headers");
  });
  await visit(`graphiql-${scheme}-narrow`, scheme, NARROW, async (page, say, picture) => {
    await page.goto(`${address}/graphql`);
    await page.click(".graphiql-execute-button");
    await shows(page, ".result-window", '"nodes"');
    await sideways(page, say);
    await picture("1-run");
  });
}

// Becomes the admin on the reference's first page, which then shows more.
async function enter(page) {
  await page.fill('.key input[name="bearer"]', key);
  await page.click(".key .primary");
  await shows(page, ".cards", "/v1/customers");
}

async function reference(scheme) {
  await visit(`reference-${scheme}`, scheme, WIDE, async (page, say, picture) => {
    await page.goto(`${address}/docs`);
    await shows(page, ".cards", "/v1/tracks");
    await suits(page, scheme, "main", say);
    await picture("1-overview");
    if (await page.locator(".cards", { hasText: "/v1/customers" }).count()) say("shows anyone what is the admin's");

    await enter(page);

    await page.keyboard.press("/");
    await page.keyboard.type("create tracks");
    await picture("2-found");
    await page.click('.nav-list a[href="#/operation/createTrack"]');
    await page.locator("section#createTrack").waitFor();
    const top = await page.evaluate(() => document.getElementById("createTrack").getBoundingClientRect().top);
    if (Math.abs(top) > 200) say(`the address of an operation does not lead to it: ${top}`);
    await picture("3-operation");

    await page.goto(`${address}/docs#/operation/listTracks`);
    await page.click("#listTracks .attempt > summary");
    await page.locator('#listTracks select[aria-label="Add a parameter"]').selectOption({ label: "name[icontains]" });
    await page.keyboard.type("a");
    await page.click("#listTracks .attempt-form .primary");
    await shows(page, "#listTracks .answer-line", "200");
    await shows(page, "#listTracks .attempt", "hasMore");
    await picture("4-answer");

    await page.goto(`${address}/docs#/schema/Track`);
    await shows(page, "main", "unitPrice");
    for (const fold of await page.locator("main details.nested > summary").all()) await fold.click();
    await picture("5-schema");

    const before = await brightness(page, "main");
    await page.click(".theme");
    if ((await brightness(page, "main")) > 0.5 === before > 0.5) say("does not turn between light and dark");
  });
  await visit(`reference-${scheme}-narrow`, scheme, NARROW, async (page, say, picture) => {
    const places = [
      ["1-overview", "", "/v1/tracks"],
      ["2-operation", "#/operation/listTracks", "List tracks"],
      ["3-aggregate", "#/operation/aggregateTracks", "Count and sum up"],
      ["4-schema", "#/schema/TrackWhere", "TrackWhere"],
    ];
    for (const [part, hash, words] of places) {
      // From somewhere else, so that the page is loaded and not only moved.
      await page.goto("about:blank");
      await page.goto(`${address}/docs${hash}`);
      await shows(page, "main", words);
      await sideways(page, say);
      await picture(part);
    }
    await page.click(".menu");
    await page.locator(".side.open .filter").waitFor();
    await sideways(page, say);
    await picture("5-menu");
    await page.click('.side.open .nav-list summary a[href="#/tag/Album"]');
    await shows(page, "main h1", "Album");
    if (await page.locator(".side.open").count()) say("the menu stays open over what it led to");
  });
}

// Every operation and every schema of the document, so that none of them is what the page stumbles over.
async function every() {
  await visit("every", "light", WIDE, async (page, say) => {
    await page.goto(`${address}/docs`);
    await enter(page);
    const hashes = await page.locator(".nav-list a").evaluateAll((links) => links.map((link) => link.getAttribute("href")));
    if (hashes.length < 100) say(`only ${hashes.length} links`);
    for (const hash of hashes) {
      await page.goto(`${address}/docs${hash}`);
      await page.locator("main h1").first().waitFor();
      const name = decodeURIComponent(hash.split("/").at(-1));
      if (hash.startsWith("#/operation/") && !(await page.locator(`section[id="${name}"] h2`).count())) say(`does not show ${hash}`);
      if (hash.startsWith("#/schema/") && (await text(page, "main h1")) !== name) say(`does not show ${hash}`);
      // Folds build what they hide when they are opened. Operations share their tag's page, where that was done.
      if (!hash.startsWith("#/operation/")) await page.locator("main details").evaluateAll((folds) => folds.forEach((fold) => (fold.open = true)));
    }
  });
}

const scenes = { graphiql, reference, every };
for (const scheme of scene === "every" ? [""] : ["light", "dark"]) await scenes[scene](scheme);
await browser.close();
for (const finding of new Set(found)) console.log(finding);
process.exit(found.length ? 1 : 0);
