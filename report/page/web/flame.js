// Draws memory by code as a flame graph, callers on top: d3-hierarchy lays it out, the page draws boxes.
//
// It is a tree for a screen reader and for keys: down to the largest callee, up to the caller, left and right among
// callees, Enter to look closer, Escape to look at all again.
(function () {
  "use strict";

  const page = window.oomcast;
  const { element, bytes, percent } = page;
  const LEAST_SHARE = 0.004;  // of the width: narrower boxes cannot be read or pressed
  const ROW = 22;
  const LEAST_PIXELS = 28;    // for a name: of narrower boxes a letter would be left

  /** "parse at config.c:12 (inlined)" is called "parse": lines of one function are one box. */
  function nameOf(frame) {
    const end = frame.search(/ (at|in) [^ ]/);
    return end > 0 ? frame.slice(0, end) : frame;
  }

  /** `bytesOf(site, row)` is what is shown of a site. Callers first: a stack has the innermost frame first. */
  page.treeOf = function (report, bytesOf) {
    const root = { name: "all", frames: new Set(), own: 0, children: new Map() };
    for (const [row, site] of report.sites.entries()) {
      const value = bytesOf(site, row) || 0;
      if (value <= 0) continue;
      let at = root;
      const stack = site.stack.map((number) => report.frames[number]);
      for (const frame of [site.kind + (stack.length ? "" : " (no stack)"), ...stack.reverse()]) {
        const name = nameOf(frame);
        if (!at.children.has(name)) at.children.set(name, { name, frames: new Set(), own: 0, children: new Map() });
        at = at.children.get(name);
        at.frames.add(frame);
      }
      at.own += value;
    }
    return root;
  };

  const MOMENTS = {
    start: "at the start", peak: "at the peak of memory", end: "at the end", kswapd_wake: "when kswapd woke", kswapd_scan: "when kswapd first scanned",
    direct_reclaim: "at the first direct reclaim", swap_out: "at the first swap-out", alloc_refused: "when memory was refused", oom_kill: "at the OOM kill",
  };

  /** What can be shown: memory at each moment, the peak first; then what a site held at its own peak, and all that was touched. */
  function measuresOf(report) {
    const held = (report.moments || []).filter((moment) => moment.site_resident_bytes && moment.site_resident_bytes.length === report.sites.length &&
      moment.site_resident_bytes.some((value) => value > 0));
    const measures = held.map((moment) => ({
      key: moment.name,
      words: (MOMENTS[moment.name] || "at kill " + moment.name.replace("oom_kill:", "")) + ", " + page.seconds(moment.t_s),
      bytesOf: (site, row) => moment.site_resident_bytes[row],
    }));
    measures.sort((a, b) => (b.key === "peak") - (a.key === "peak"));
    return [...measures,
      { key: "resident_bytes_peak", words: "each site at its own peak", bytesOf: (site) => site.resident_bytes_peak },
      { key: "touched_bytes", words: "touched over the whole run", bytesOf: (site) => site.touched_bytes }];
  }

  function layOut(tree) {
    const root = window.d3.hierarchy(tree, (node) => [...node.children.values()]).sum((node) => node.own).sort((a, b) => b.value - a.value);
    return window.d3.partition().size([1, root.height + 1])(root);
  }

  function hue(name) {
    let hash = 0;
    for (const c of name) hash = (hash * 31 + c.codePointAt(0)) % 997;
    return hash % 6;
  }

  class Flame {
    constructor(report) {
      this.report = report;
      this.words = "";
      this.box = element("div", { class: "flame", role: "tree", "aria-label": "Memory by code" });
      this.details = element("div", { class: "panel flame-details", "aria-live": "polite" });
      this.matched = element("output", { class: "found" });
      this.box.addEventListener("keydown", (event) => this.onKey(event));
      this.width = 1000;  // until the box is in the document
      new ResizeObserver(() => this.onWidth(this.box.clientWidth)).observe(this.box);
      this.measures = measuresOf(report);
      this.choice = element("select", {}, this.measures.map(({ key, words }) => element("option", { value: key }, words)));
      this.choice.addEventListener("change", () => this.measureBy(this.choice.value));
      this.measureBy(this.measures[0].key);
    }

    measureBy(key) {
      const measure = this.measures.find((one) => one.key === key);
      this.choice.value = key;
      this.root = layOut(page.treeOf(this.report, measure.bytesOf));
      this.box.setAttribute("aria-label", "Memory by code, " + measure.words);
      this.look(this.root);
      if (this.words) this.search(this.words);
    }

    onWidth(width) {
      if (!width || width === this.width) return;
      this.width = width;
      const focused = this.box.contains(document.activeElement);
      this.draw();
      if (focused) this.move(this.current);
    }

    /** Nothing changes where the report does not hold that moment. */
    showMoment(name) {
      if (this.measures.some((one) => one.key === name)) this.measureBy(name);
    }

    /** `node` fills the width; its callers stay above it. */
    look(node) {
      this.focus = node;
      this.current = node;
      this.draw();
      this.tell(node);
    }

    visible() {
      const { focus } = this;
      const width = focus.x1 - focus.x0 || 1;
      return this.root.descendants().filter((node) => {
        if (node.x1 <= focus.x0 || node.x0 >= focus.x1) return false;
        return node.depth <= focus.depth || (node.x1 - node.x0) / width >= LEAST_SHARE;
      });
    }

    draw() {
      const { focus } = this;
      const width = focus.x1 - focus.x0 || 1;
      const nodes = this.visible();
      this.boxes = new Map();
      let deepest = 0;
      this.box.replaceChildren(...nodes.map((node) => {
        const left = Math.max(0, (node.x0 - focus.x0) / width);
        const right = Math.min(1, (node.x1 - focus.x0) / width);
        const share = node.value / (this.root.value || 1);
        const made = element("button", {
          type: "button", role: "treeitem", tabIndex: node === this.current ? 0 : -1, "aria-level": node.depth + 1,
          "aria-label": `${node.data.name}, ${bytes(node.value)}, ${percent(share)}`,
          class: "frame hue-" + hue(node.data.name) + (node.depth < focus.depth ? " above" : "") + (this.matches(node) ? " matched" : ""),
          click: () => this.look(node === this.focus && node.parent ? node.parent : node),
          focus: () => this.tell(node), mouseenter: () => this.tell(node),
        }, (right - left) * this.width < LEAST_PIXELS ? "" : [page.foreign(node.data.name), " ", element("span", { class: "amount" }, bytes(node.value))]);
        made.style.left = left * 100 + "%";
        made.style.width = Math.max(0, right - left) * 100 + "%";
        made.style.top = node.depth * ROW + "px";
        if (node.children) made.setAttribute("aria-expanded", "true");
        this.boxes.set(node, made);
        deepest = Math.max(deepest, node.depth);
        return made;
      }));
      this.box.style.height = (deepest + 1) * ROW + "px";
    }

    matches(node) {
      return this.words !== "" && [node.data.name, ...node.data.frames].some((frame) => frame.toLowerCase().includes(this.words));
    }

    /** Marks what matches, and adds up how much memory lies below it: nested matches count once. */
    search(words) {
      this.words = words.trim().toLowerCase();
      let sum = 0;
      const add = (node) => {
        if (this.matches(node)) sum += node.value;
        else (node.children || []).forEach(add);
      };
      add(this.root);
      this.matched.textContent = this.words ? `${bytes(sum)}, ${percent(sum / (this.root.value || 1))}` : "";
      this.draw();
    }

    tell(node) {
      this.current = node;
      const lines = [...node.data.frames];
      this.details.replaceChildren(element("div", {},
        element("strong", {}, page.foreign(node.data.name)), ` ${bytes(node.value)}, ${percent(node.value / (this.root.value || 1))} of all`,
        node.data.own > 0 && node.children ? `, ${bytes(node.data.own)} of its own` : "",
        lines.length > 1 || (lines.length === 1 && lines[0] !== node.data.name)
          ? element("div", { class: "lines" }, lines.slice(0, 4).map((line) => element("div", {}, page.foreign(line, "code"))),
            lines.length > 4 ? element("div", {}, `and ${lines.length - 4} more places`) : null) : null));
    }

    move(to) {
      if (!to || !this.boxes.has(to)) return;
      this.boxes.get(this.current).tabIndex = -1;
      this.boxes.get(to).tabIndex = 0;
      this.boxes.get(to).focus();
    }

    onKey(event) {
      const node = this.current;
      const siblings = node.parent ? node.parent.children : [node];
      const at = siblings.indexOf(node);
      const moves = {
        ArrowDown: () => this.move(node.children && node.children[0]),
        ArrowUp: () => this.move(node.parent),
        ArrowLeft: () => this.move(siblings[at - 1]),
        ArrowRight: () => this.move(siblings[at + 1]),
        Escape: () => {
          this.look(this.root);
          this.move(this.root);
        },
        Enter: () => {
          this.look(node);
          this.move(node);
        },
      };
      if (!moves[event.key]) return;
      event.preventDefault();
      moves[event.key]();
    }
  }

  page.drawFlame = function (report) {
    page.section("code", "Code", "Resident memory by code", (section) => {
      if (!report.sites.length) {
        section.append(element("p", {}, "No memory was sampled."));
        return true;
      }
      const flame = new Flame(report);
      page.flame = flame;
      const search = element("input", { type: "search", spellcheck: false, autocomplete: "off" });
      search.addEventListener("input", () => flame.search(search.value));
      section.append(
        element("div", { class: "toolbar" }, element("label", { class: "measure" }, "Memory ", flame.choice), element("label", { class: "search" }, "Search ", search, " ", flame.matched),
          element("button", { type: "button", click: () => flame.look(flame.root) }, "All")),
        element("div", { class: "flame-frame" }, flame.box), flame.details);
      return true;
    });
  };
})();
