// Gives the other scripts of the page its data, its elements and its words for numbers.
//
// Text of the report reaches the document as text nodes only: nothing here or elsewhere parses it as markup.
(function () {
  "use strict";

  const page = {};
  window.oomcast = page;

  page.kind = document.body.dataset.kind;  // "report", "sweep" or "diff"
  page.data = JSON.parse(document.getElementById("data").textContent);
  page.PAGE_BYTES = 4096;

  /**
   * An element with attributes and children. A string child becomes a text node; null is passed over. The attribute
   * "class" and those with a "-" are set as attributes, functions as listeners ("click"), all else as properties.
   */
  page.element = function (tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (typeof value === "function") made.addEventListener(name, value);
      else if (name === "class" || name === "for" || name === "role" || name.includes("-")) made.setAttribute(name, value);
      else made[name] = value;
    }
    for (const child of children.flat()) {
      if (child === null || child === undefined) continue;
      made.append(child instanceof Node ? child : document.createTextNode(String(child)));
    }
    return made;
  };

  /** A name that the report has from elsewhere: its writing direction stays its own. */
  page.foreign = function (text, tag) {
    return page.element(tag || "bdi", { class: "foreign" }, text);
  };

  const UNITS = ["KiB", "MiB", "GiB", "TiB"];

  /** As bytes_text() of the command: "1.62 GiB", "468.9 MiB", "812 B". */
  page.bytes = function (count) {
    if (count === null || count === undefined) return "-";
    if (count < 0) return "-" + page.bytes(-count);
    if (count < 1024) return Math.round(count) + " B";
    let value = count / 1024;
    let unit = 0;
    while (unit + 1 < UNITS.length && value >= 1023.95) {
      value /= 1024;
      unit += 1;
    }
    return value.toFixed(unit >= 2 ? 2 : 1) + " " + UNITS[unit];
  };

  /** For axes, where each character counts: "512 M", "1.5 G". */
  page.shortBytes = function (count) {
    if (count === 0) return "0";
    const negative = count < 0 ? "-" : "";
    let value = Math.abs(count);
    let unit = 0;
    while (unit < 4 && value >= 1024) {
      value /= 1024;
      unit += 1;
    }
    return negative + String(Number(value.toPrecision(4))) + " " + ["B", "K", "M", "G", "T"][unit];
  };

  page.count = function (number) {
    if (number === null || number === undefined) return "-";
    const [whole, rest] = String(Math.round(number * 100) / 100).split(".");
    return whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",") + (rest ? "." + rest : "");
  };

  page.seconds = (s) => (s === null || s === undefined ? "-" : s.toFixed(2) + " s");

  /** As duration_text() of the command: "312 ms", "0.14 ms", "1.82 s". */
  page.duration = function (ns) {
    if (ns === null || ns === undefined) return "-";
    if (ns === 0) return "0 s";
    if (ns >= 1e9) return (ns / 1e9).toFixed(2) + " s";
    if (ns >= 1e7) return (ns / 1e6).toFixed(0) + " ms";
    if (ns >= 1e4) return (ns / 1e6).toFixed(2) + " ms";
    return (ns / 1e3).toFixed(1) + " us";
  };

  page.percent = function (share) {
    if (share === null || share === undefined) return "-";
    const percent = share * 100;
    return (percent < 10 && percent > 0 ? percent.toFixed(1) : percent.toFixed(0)) + " %";
  };

  const VERDICTS = {
    fits: "fits",
    background_reclaim: "background reclaim",
    direct_reclaim: "direct reclaim",
    alloc_refused: "allocation refused",
    oom_kill: "OOM kill",
  };
  page.VERDICT_NAMES = Object.keys(VERDICTS);  // from the best to the worst
  page.verdict = (name) => (name === null || name === undefined ? "no verdict" : VERDICTS[name] || String(name));
  page.tone = function (name) {
    if (name === "fits") return "good";
    if (name === "background_reclaim" || name === "direct_reclaim") return "fair";
    return name === "oom_kill" || name === "alloc_refused" ? "bad" : "unknown";
  };
  page.badge = (name) => page.element("span", { class: "badge tone-" + page.tone(name) }, page.verdict(name));

  /** The last word of a key names its unit; a value in the words of that unit. */
  page.inUnit = function (key, value) {
    if (value === null || value === undefined) return "-";
    if (typeof value === "boolean") return value ? "yes" : "no";
    if (typeof value !== "number") return typeof value === "object" ? JSON.stringify(value) : String(value);
    if (key.endsWith("_bytes")) return page.bytes(value);
    if (key.endsWith("_pages")) return page.count(value) + " (" + page.bytes(value * page.PAGE_BYTES) + ")";
    if (key.endsWith("_ns") || key.endsWith("_ns_total")) return page.duration(value);
    if (key.endsWith("_us")) return page.duration(value * 1000);
    if (key.endsWith("_s")) return page.seconds(value);
    if (key.endsWith("_share") || key === "share") return page.percent(value);
    if (key.endsWith("ratio")) return (value * 100).toFixed(2) + " %";
    return page.count(value);
  };

  /** A list of names and values; values are strings or elements. */
  page.definitions = function (rows, className) {
    return page.element(
      "dl",
      { class: "definitions" + (className ? " " + className : "") },
      rows
        .filter((row) => row && row[1] !== null && row[1] !== undefined && row[1] !== "")
        .map(([name, value]) => page.element("div", {}, page.element("dt", {}, name), page.element("dd", {}, value))),
    );
  };

  const sections = [];

  /**
   * Adds a section and its entry in the contents, `short`. `fill(section)` draws it; a part that cannot be drawn says so and
   * leaves the others alone.
   */
  page.section = function (id, short, title, fill) {
    const section = page.element("section", { id, "aria-labelledby": id + "-title" }, page.element("h2", { id: id + "-title" }, title));
    document.getElementById("main").append(section);
    const entry = { id, short };
    sections.push(entry);
    try {
      if (fill(section) === false) {
        section.remove();
        sections.splice(sections.indexOf(entry), 1);
      }
    } catch (error) {
      section.append(page.element("p", { class: "failed", role: "alert" }, "This part could not be drawn: " + error.message));
      console.error(error);
    }
  };

  page.drawContents = function () {
    const contents = document.getElementById("contents");
    for (const { id, short } of sections) contents.append(page.element("a", { href: "#" + id }, short), " ");
  };
})();
