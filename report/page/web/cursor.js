// Keeps the charts of a page together: one cursor, one window of time, one list of incidents.
//
// Keys on a chart: left and right move the cursor (with Shift by ten rows), Home and End go to the ends, n and p to the
// next and the previous incident, + and - zoom, 0 or Escape shows the whole run.
(function () {
  "use strict";

  const page = window.oomcast;

  page.Group = class {
    /**
     * `x[]` ascending; `axisName`: "time"; `axisText(x)` for the axis, `rowText(row)` for the cursor; `incidents[]`: {t,
     * letter, title, colour, details()}, `onChoose(incident)`; `labels`: true where x counts rows that have a text each.
     */
    constructor({ x, axisName, axisText, rowText, incidents, onChoose, onCursor, labels }) {
      Object.assign(this, { x, axisName, axisText, rowText, incidents: incidents || [], onChoose, onCursor, labels });
      this.pixelsPerLabel = labels ? 70 : 60;
      this.charts = [];
      this.row = -1;
      this.busy = false;
      page.onColours(() => this.charts.forEach((chart) => chart.recolour()));
    }

    add(parent, spec) {
      const chart = new page.Chart(this, spec);
      parent.append(chart.figure);
      chart.draw();
      this.charts.push(chart);
      return chart;
    }

    /** Rows of a sweep have their own text each, and no place between two of them. */
    ticker() {
      if (!this.labels) return {};
      return {
        ticker: (from, to, pixels) => {
          const step = Math.max(1, Math.ceil((this.x.length * this.pixelsPerLabel) / Math.max(pixels, 1)));
          return this.x.filter((x) => x % step === 0 && x >= from && x <= to).map((x) => ({
            v: x,
            label: this.axisText(x).replace(/[&<>"']/g, (c) => "&#" + c.charCodeAt(0) + ";"),
          }));
        },
      };
    }

    nearestRow(x) {
      let low = 0;
      let high = this.x.length - 1;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (this.x[middle] < x) low = middle + 1;
        else high = middle;
      }
      return low > 0 && x - this.x[low - 1] < this.x[low] - x ? low - 1 : low;
    }

    setCursor(row) {
      if (!this.x.length) return;
      this.row = Math.max(0, Math.min(this.x.length - 1, row));
      for (const chart of this.charts) chart.setCursor(this.row);
      if (this.onCursor) this.onCursor(this.row);
    }

    choose(incident) {
      this.setCursor(this.nearestRow(incident.t));
      this.show(incident.t);
      if (this.onChoose) this.onChoose(incident);
    }

    window() {
      return this.charts.length ? this.charts[0].graph.xAxisRange() : [0, 0];
    }

    setWindow(range) {
      if (!this.charts.length) return;
      if (range) this.charts[0].graph.updateOptions({ dateWindow: range });
      else this.charts[0].graph.resetZoom();
    }

    /** One chart shows another part of the run: all others follow. */
    onWindow(from, range) {
      if (this.busy) return;
      this.busy = true;
      for (const chart of this.charts) {
        if (chart === from || !chart.graph) continue;
        const [low, high] = chart.graph.xAxisRange();
        if (low !== range[0] || high !== range[1]) chart.graph.updateOptions({ dateWindow: range });
      }
      this.busy = false;
    }

    /** Moves the window, not its width, so that `x` is in it. */
    show(x) {
      const [from, to] = this.window();
      if (x >= from && x <= to) return;
      this.setWindow([x - (to - from) / 2, x + (to - from) / 2]);
    }

    zoom(factor) {
      const [from, to] = this.window();
      const first = this.x[0];
      const last = this.x[this.x.length - 1];
      const at = this.row >= 0 && this.x[this.row] >= from && this.x[this.row] <= to ? this.x[this.row] : (from + to) / 2;
      const low = at - (at - from) * factor;
      const high = at + (to - at) * factor;
      if (low <= first && high >= last) return this.setWindow(null);
      const least = Math.max((last - first) / 1e5, 1e-6);
      if (high - low < least) return undefined;
      return this.setWindow([low, high]);
    }

    step(direction) {
      const here = this.row >= 0 ? this.x[this.row] : -Infinity;
      const sorted = this.incidents.slice().sort((a, b) => a.t - b.t);
      const next = direction > 0
        ? sorted.find((incident) => this.nearestRow(incident.t) > this.row)
        : sorted.reverse().find((incident) => incident.t < here && this.nearestRow(incident.t) < this.row);
      if (next) this.choose(next);
    }

    onKey(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const moves = {
        ArrowLeft: () => this.setCursor(this.row - (event.shiftKey ? 10 : 1)),
        ArrowRight: () => this.setCursor(this.row + (event.shiftKey ? 10 : 1)),
        Home: () => this.setCursor(0),
        End: () => this.setCursor(this.x.length - 1),
        n: () => this.step(1),
        p: () => this.step(-1),
        "+": () => this.zoom(0.5),
        "=": () => this.zoom(0.5),
        "-": () => this.zoom(2),
        0: () => this.setWindow(null),
        Escape: () => this.setWindow(null),
      };
      const move = moves[event.key];
      if (!move) return;
      event.preventDefault();
      move();
      if (this.row >= 0) this.show(this.x[this.row]);
    }

    /** Buttons above the charts: zoom, and `jumps[]`: {title, row}. */
    toolbar(jumps) {
      const button = (title, click) => page.element("button", { type: "button", click }, title);
      return page.element("div", { class: "toolbar", role: "toolbar", "aria-label": "Charts" },
        button("Zoom in", () => this.zoom(0.5)), button("Zoom out", () => this.zoom(2)), button("Whole run", () => this.setWindow(null)),
        jumps.map(({ title, row }) => button(title, () => {
          this.setCursor(row);
          this.show(this.x[row]);
        })));
    }
  };
})();
