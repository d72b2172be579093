// Draws one chart with dygraphs: lines over time or over the hosts of a sweep, marks across it, a cursor, and a legend
// that holds the values at the cursor.
//
// Charts belong to a page.Group (cursor.js), which keeps their cursor and zoom together.
(function () {
  "use strict";

  const page = window.oomcast;
  const Dygraph = window.Dygraph;

  // The legend is the page's own. That of dygraphs sets a style attribute, which the policy of the page forbids.
  Dygraph.PLUGINS = Dygraph.PLUGINS.filter((plugin) => plugin !== Dygraph.Plugins.Legend);

  const HEIGHT = 180;
  const FLAG_WIDTH = 21;
  const PAPER_WIDTH = 620;
  const DASHES = { min: [2, 3], low: [6, 4], high: [10, 4], default: [6, 4] };

  /** dygraphs takes labels of axes as markup. */
  function escaped(text) {
    return String(text).replace(/[&<>"']/g, (c) => "&#" + c.charCodeAt(0) + ";");
  }

  const FORMATS = {
    bytes: { axis: page.shortBytes, value: page.bytes, binary: true },
    rate: { axis: (v) => page.count(v), value: (v) => page.count(v) + " pages/s" },
    share: { axis: (v) => page.percent(v), value: (v) => page.percent(v) },
    duration: { axis: (v) => page.duration(Math.round(v)), value: (v) => page.duration(Math.round(v)) },
    verdict: {
      axis: (v) => page.verdict(page.VERDICT_NAMES[v]),
      value: (v) => page.verdict(page.VERDICT_NAMES[v]),
      ticks: page.VERDICT_NAMES.map((name, i) => ({ v: i, label: page.verdict(name) })),
    },
  };

  function swatch(series) {
    const mark = page.element("span", { class: "swatch" + (series.dash ? " dashed" : ""), "aria-hidden": "true" });
    mark.style.setProperty("--swatch", "var(" + series.colour + ")");
    return mark;
  }

  page.Chart = class {
    /**
     * `spec`: title; of: a name of the report's that ends the title; note; unit: a key of FORMATS; series[]: {name, colour: a custom property, values[]}, one value per row
     * of the group, null where there is none; marks[]: {name, colour, value, dash}; stacked; points; most: the least upper
     * end of the axis; near: upper end for a look at the marks.
     */
    constructor(group, spec) {
      this.group = group;
      this.spec = spec;
      this.format = FORMATS[spec.unit];
      this.near = false;
      this.row = -1;
      this.build();
    }

    build() {
      const { spec } = this;
      this.canvas = page.element("div", { class: "canvas" });
      this.cursor = page.element("div", { class: "cursor", hidden: true });
      this.flags = page.element("div", { class: "flags" });
      this.plot = page.element("div", {
        class: "plot" + (this.group.incidents.length ? " flagged" : ""), tabIndex: 0, role: "slider", "aria-label": spec.title + (spec.of ? " " + spec.of : "") + ": " + this.group.axisName + " at the cursor",
        "aria-valuemin": 0, "aria-valuemax": this.group.x.length - 1, "aria-valuenow": 0, "aria-valuetext": "no cursor yet",
      }, this.canvas, this.cursor, this.flags);
      this.legend = page.element("ul", { class: "legend" });
      this.values = spec.series.map((series) => this.addToLegend(series, ""));
      for (const mark of spec.marks || []) this.addToLegend({ ...mark, dash: true }, this.format.value(mark.value));
      const title = page.element("figcaption", {}, page.element("h3", {}, spec.title, spec.of ? [" ", page.foreign(spec.of)] : ""), this.nearButton(),
        spec.note ? page.element("p", { class: "note" }, spec.note) : null);
      this.figure = page.element("figure", { class: "chart" }, title, this.plot, this.legend);
    }

    addToLegend(series, value) {
      const output = page.element("span", { class: "value" }, value);
      this.legend.append(page.element("li", {}, swatch(series), page.element("span", { class: "name" }, series.name), " ", output));
      return output;
    }

    nearButton() {
      if (!this.spec.near) return null;
      const button = page.element("button", { type: "button", class: "near", "aria-pressed": "false" }, "Near the marks");
      button.addEventListener("click", () => {
        this.near = !this.near;
        button.setAttribute("aria-pressed", String(this.near));
        this.graph.updateOptions({ valueRange: this.range() });
      });
      return button;
    }

    /** Called when the figure is in the document: dygraphs asks for its width. */
    draw() {
      const { group, spec } = this;
      const rows = group.x.map((x, i) => [x, ...spec.series.map((series) => (series.values[i] === undefined ? null : series.values[i]))]);
      this.graph = new Dygraph(this.canvas, rows, {
        labels: ["x", ...spec.series.map((series, i) => i + " " + series.name)],
        height: HEIGHT,
        resizable: "passive",
        valueRange: this.range(),
        stackedGraph: Boolean(spec.stacked),
        fillGraph: Boolean(spec.stacked),
        drawPoints: Boolean(spec.points) || rows.length === 1,
        pointSize: 3,
        strokeWidth: 1.5,
        xRangePad: 6,
        labelsKMG2: Boolean(this.format.binary),
        connectSeparatedPoints: Boolean(spec.connect),
        hideOverlayOnMouseOut: false,
        highlightCircleSize: 4,
        axes: {
          x: { axisLabelFormatter: (x) => escaped(group.axisText(x)), pixelsPerLabel: group.pixelsPerLabel, ...group.ticker() },
          y: { axisLabelFormatter: (y) => escaped(this.format.axis(y)), axisLabelWidth: this.format.ticks ? 112 : 56, pixelsPerLabel: 32, ...this.fixedTicks() },
        },
        interactionModel: this.interaction(),
        underlayCallback: (context, area, graph) => this.drawUnder(context, area, graph),
        drawCallback: (graph, first) => first || this.drawn(),
        ...this.colours(),
      });
      this.placeFlags();
    }

    /** Dragging zooms with a mouse. A finger moves the cursor sideways and scrolls the page up and down. */
    interaction() {
      this.canvas.addEventListener("pointermove", (event) => this.group.setCursor(this.rowAt(event)));
      this.canvas.addEventListener("pointerdown", (event) => this.group.setCursor(this.rowAt(event)));
      this.plot.addEventListener("keydown", (event) => this.group.onKey(event));
      const nothing = () => {};
      return { ...Dygraph.defaultInteractionModel, touchstart: nothing, touchmove: nothing, touchend: nothing };
    }

    fixedTicks() {
      return this.format.ticks ? { ticker: () => this.format.ticks } : {};
    }

    rowAt(event) {
      const left = this.canvas.getBoundingClientRect().left;
      return this.group.nearestRow(this.graph.toDataXCoord(event.clientX - left));
    }

    range() {
      if (this.near) return [0, this.spec.near];
      if (this.spec.unit === "verdict") return [-0.4, page.VERDICT_NAMES.length - 0.6];
      let most = this.spec.most || 0;
      this.group.x.forEach((x, i) => {
        const values = this.spec.series.map((series) => series.values[i] || 0);
        most = Math.max(most, this.spec.stacked ? values.reduce((a, b) => a + b, 0) : Math.max(...values));
      });
      return [0, most > 0 ? most * 1.06 : 1];
    }

    colours() {
      return {
        colors: this.spec.series.map((series) => page.colour(series.colour)),
        axisLineColor: page.colour("--line"),
        gridLineColor: page.colour("--grid"),
      };
    }

    /** A canvas that is resized for paper comes out empty in Chromium: one that is too wide is scaled instead. */
    recolour() {
      this.graph.updateOptions(this.colours());
      const width = this.canvas.clientWidth;
      this.plot.style.setProperty("--paper-zoom", width > PAPER_WIDTH ? PAPER_WIDTH / width : 1);
    }

    drawUnder(context, area, graph) {
      context.save();
      context.beginPath();
      context.rect(area.x, area.y, area.w, area.h);
      context.clip();
      for (const mark of this.spec.marks || []) this.drawMark(context, area, mark, graph);
      for (const incident of this.group.incidents) {
        const x = graph.toDomXCoord(incident.t);
        this.line(context, page.colour(incident.colour), [3, 3], x, area.y, x, area.y + area.h);
      }
      context.restore();
    }

    drawMark(context, area, mark, graph) {
      const y = graph.toDomYCoord(mark.value);
      this.line(context, page.colour(mark.colour), DASHES[mark.name] || DASHES.default, area.x, y, area.x + area.w, y);
    }

    line(context, colour, dash, x1, y1, x2, y2) {
      context.strokeStyle = colour;
      context.lineWidth = 1;
      context.setLineDash(dash);
      context.beginPath();
      context.moveTo(Math.round(x1) + 0.5, Math.round(y1) + 0.5);
      context.lineTo(Math.round(x2) + 0.5, Math.round(y2) + 0.5);
      context.stroke();
    }

    /** After each drawing but the first, which is inside dygraphs' constructor. */
    drawn() {
      this.placeFlags();
      this.placeCursor();
      this.group.onWindow(this, this.graph.xAxisRange());
    }

    /** Incidents of the same moment stand side by side, none before its own place but at the right edge. */
    flagPlaces(incidents) {
      const area = this.graph.getArea();
      const places = [];
      for (const incident of incidents) places.push(Math.max(this.graph.toDomXCoord(incident.t), (places.at(-1) || -Infinity) + FLAG_WIDTH));
      let most = area.x + area.w;
      for (let i = places.length - 1; i >= 0 && places[i] > most; --i, most -= FLAG_WIDTH) places[i] = most;
      return places;
    }

    placeFlags() {
      const [from, to] = this.graph.xAxisRange();
      const shown = this.group.incidents.filter((incident) => incident.t >= from && incident.t <= to);
      const places = this.flagPlaces(shown);
      this.flags.replaceChildren(
        ...shown.map((incident, i) => {
          const flag = page.element("button", {
            type: "button", class: "flag", tabIndex: -1, title: incident.title, "aria-label": incident.title,
            click: () => this.group.choose(incident),
          }, incident.letter);
          flag.style.left = places[i] + "px";
          flag.style.setProperty("--flag", "var(" + incident.colour + ")");
          return flag;
        }),
      );
    }

    placeCursor() {
      const x = this.row >= 0 ? this.graph.toDomXCoord(this.group.x[this.row]) : NaN;
      const area = this.graph.getArea();
      this.cursor.hidden = !(x >= area.x - 1 && x <= area.x + area.w + 1);
      if (!this.cursor.hidden) this.cursor.style.left = x + "px";
    }

    setCursor(row) {
      this.row = row;
      const words = this.spec.series.map((series, i) => {
        const value = series.values[row];
        const text = value === null || value === undefined ? "-" : this.format.value(value);
        this.values[i].textContent = text;
        return series.name + " " + text;
      });
      this.plot.setAttribute("aria-valuenow", row);
      this.plot.setAttribute("aria-valuetext", this.group.rowText(row) + ": " + words.join(", "));
      if (!this.graph) return;
      this.graph.setSelection(row);
      this.placeCursor();
    }
  };
})();
