// Draws tables that can be sorted by a column and searched by a word.
(function () {
  "use strict";

  const page = window.oomcast;

  function compare(a, b) {
    if (a === b) return 0;
    if (a === null || a === undefined) return -1;
    if (b === null || b === undefined) return 1;
    return a < b ? -1 : 1;
  }

  function headerCell(column, onSort) {
    const attributes = { scope: "col", class: column.number ? "number" : null };
    if (!column.sort) return page.element("th", attributes, column.title);
    return page.element("th", attributes, page.element("button", { type: "button", click: onSort }, column.title));
  }

  /** A row's header is its first cell that says so. */
  function bodyCell(column, row) {
    const attributes = { class: [column.number ? "number" : "", column.class || ""].join(" ").trim() || null };
    if (column.header) return page.element("th", { ...attributes, scope: "row" }, column.cell(row));
    return page.element("td", attributes, column.cell(row));
  }

  /**
   * `columns[]`: title, cell(row) giving text or an element; number: right-aligned; header: names the row; sort(row):
   * what it is ordered by. `search(row)`: the text that a search looks into; without it there is no search field.
   * `order`: index of the column by which the rows are ordered at first, descending. `onRow(row)`: a row can be chosen.
   */
  page.table = function ({ caption, columns, rows, search, order, rowClass, onRow, searchLabel }) {
    const body = page.element("tbody");
    const headers = columns.map((column, index) => headerCell(column, () => sortBy(index)));
    const state = { column: order === undefined ? -1 : order, down: true, words: "" };
    const said = page.element("output", { class: "found" });

    function shown() {
      const words = state.words.toLowerCase().split(/\s+/).filter(Boolean);
      let list = rows.filter((row) => words.every((word) => search(row).toLowerCase().includes(word)));
      if (state.column >= 0) {
        const value = columns[state.column].sort;
        list = list.slice().sort((a, b) => (state.down ? -1 : 1) * compare(value(a), value(b)));
      }
      return list;
    }

    function draw() {
      const list = shown();
      body.replaceChildren(
        ...list.map((row) => {
          const line = page.element("tr", { class: rowClass ? rowClass(row) : null }, columns.map((column) => bodyCell(column, row)));
          if (onRow) line.addEventListener("click", () => onRow(row));
          return line;
        }),
      );
      headers.forEach((header, index) => {
        if (!columns[index].sort) return;
        header.setAttribute("aria-sort", index !== state.column ? "none" : state.down ? "descending" : "ascending");
      });
      said.textContent = state.words ? list.length + " of " + rows.length : "";
    }

    function sortBy(index) {
      state.down = state.column === index ? !state.down : Boolean(columns[index].number);
      state.column = index;
      draw();
    }

    draw();
    const table = page.element("table", {}, page.element("caption", {}, caption), page.element("thead", {}, page.element("tr", {}, headers)), body);
    const frame = page.element("div", { class: "table", tabIndex: 0, role: "region", "aria-label": caption }, table);
    if (!search) return frame;
    const field = page.element("input", { type: "search", spellcheck: false, autocomplete: "off" });
    field.addEventListener("input", () => {
      state.words = field.value;
      draw();
    });
    const label = page.element("label", { class: "search" }, searchLabel || "Search", " ", field, " ", said);
    return page.element("div", {}, label, frame);
  };
})();
