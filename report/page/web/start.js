// Draws the page for the kind of document that it carries.
(function () {
  "use strict";

  const page = window.oomcast;
  const { data } = page;

  const KINDS = {
    report() {
      page.drawFindings(data);
      page.drawServices(data);
      page.drawTimeline(data);
      page.drawFlame(data);
      page.drawSites(data);
      page.drawKills(data);
      page.drawProcesses(data);
      page.drawCounters(data);
      page.drawHost(data);
      page.drawBelief(data);
    },
    sweep: () => page.drawSweep(data),
    diff: () => page.drawDiff(data),
  };
  KINDS[page.kind]();
  page.drawContents();
  document.querySelector("footer").append(
    "Written by ", document.querySelector("meta[name=generator]").content, ". This page needs no network: it holds all of its data, and the libraries dygraphs (MIT) and d3-hierarchy (BSD-3-Clause).");
  document.documentElement.dataset.drawn = "yes";
})();
