// Shows what to act on: each finding with its reason, its numbers, and what was tried against it, with the proof.
(function () {
  "use strict";

  const page = window.oomcast;
  const { element } = page;
  const KNOWN = new Set(["change", "proven", "verdict_after"]);

  function proof(one) {
    if (one.proven === true) return element("span", { class: "badge tone-good" }, "shown by simulation");
    if (one.proven === false) return element("span", { class: "badge tone-bad" }, "simulated: does not help");
    return element("span", { class: "badge tone-unknown" }, "not simulated");
  }

  const words = (key) => key.replace(/_(bytes|pages|ns|us|s|ns_total|share)$/, "").replaceAll("_", " ");

  /** Whatever else a suggestion or an evidence carries, in the unit that its key names. */
  function shown(key, value) {
    if (Array.isArray(value)) return value.length ? element("ul", {}, value.map((item) => element("li", {}, shownValue(key, item)))) : null;
    return shownValue(key, value);
  }
  function shownValue(key, value) {
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return page.definitions(Object.entries(value).map(([k, v]) => [words(k), shown(k, v)]));
    return page.foreign(page.inUnit(key, value));
  }

  /** What is only worth knowing has advice that no simulation could prove. */
  function suggestion(one, severity) {
    const more = Object.entries(one).filter(([key, value]) => !KNOWN.has(key) && value !== null && value !== "");
    return element("li", { class: "try" },
      element("p", {}, page.foreign(one.change), " ", severity === "info" && one.proven === null ? null : proof(one),
        one.verdict_after ? [" then: ", page.badge(one.verdict_after)] : null),
      more.length ? page.definitions(more.map(([key, value]) => [words(key), shown(key, value)]), "grid") : null);
  }

  function finding(one) {
    const evidence = Object.entries(one.evidence || {}).filter(([, value]) => value !== null);
    return element("article", { class: "finding severity-" + one.severity },
      element("h3", {}, element("span", { class: "badge severity" }, one.severity), " ", page.foreign(one.title)),
      element("p", {}, page.foreign(one.why)),
      one.try.length ? element("ul", { class: "tries" }, one.try.map((advice) => suggestion(advice, one.severity))) : null,
      evidence.length ? element("details", {}, element("summary", {}, "The numbers behind it"),
        page.definitions(evidence.map(([key, value]) => [words(key), shown(key, value)]), "grid")) : null);
  }

  page.drawFindings = function (report, title) {
    page.section("findings", "Findings", title || "What to do", (section) => {
      if (!report.findings.length) section.append(element("p", {}, "Nothing to act on was found."));
      section.append(...report.findings.map(finding));
      return true;
    });
  };
})();
