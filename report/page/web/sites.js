// Lists the code that asked for memory: a table to search, each row with its whole stack.
(function () {
  "use strict";

  const page = window.oomcast;
  const { element, bytes } = page;

  const KINDS = {
    heap: "malloc and its kin", mmap: "mmap()", stack: "thread stacks", shared: "shared memory", file: "private pages of files",
    text: "code", unsampled: "nobody is known to have asked",
  };

  function code(site) {
    if (!site.frames.length) return element("span", { class: "dim" }, KINDS[site.kind] ? "rest: " + KINDS[site.kind] : "no stack");
    if (site.frames.length === 1) return page.foreign(site.frames[0], "code");
    // The stack is made when it is asked for: 250 stacks of 60 frames are slow to lay out.
    const details = element("details", {}, element("summary", {}, page.foreign(site.frames[0], "code")));
    details.addEventListener("toggle", () => {
      if (details.open && details.children.length === 1) details.append(page.stackList(site.frames));
    });
    return details;
  }

  page.drawSites = function (report) {
    page.section("sites", "Sites", "Sites", (section) => {
      if (!report.sites.length) return false;
      const rows = report.sites.map((site) => ({ ...site, frames: site.stack.map((number) => report.frames[number]) }));
      section.append(
        element("p", {}, "Who asked for the memory that was touched. The shares add up to all of it."),
        page.table({
          caption: "Sites, " + rows.length + " rows",
          rows,
          search: (site) => site.kind + " " + site.frames.join(" "),
          searchLabel: "Search for a function, file or kind",
          order: 2,
          columns: [
            { title: "Code, innermost first", header: true, class: "wide", cell: code },
            { title: "Kind", cell: (site) => site.kind, sort: (site) => site.kind },
            { title: "Resident at the peak", number: true, cell: (site) => bytes(site.resident_bytes_peak), sort: (site) => site.resident_bytes_peak },
            { title: "Touched", number: true, cell: (site) => bytes(site.touched_bytes), sort: (site) => site.touched_bytes },
            { title: "Share", number: true, cell: (site) => page.percent(site.share), sort: (site) => site.share },
          ],
        }));
      return true;
    });
  };
})();
