// Shows what to act on: each finding with its reason, its numbers, and what was tried against it, with the proof.
(function () {
  "use strict";

  const page = window.oomcast;
  const { element } = page;
  // What is told in words of its own, or is in the words of the change already.
  const KNOWN = new Set(["change", "proven", "verdict_after", "settings", "smallest", "below", "verdict_below", "cost",
    "extrapolated", "not_simulated"]);

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

  /** "0 s instead of 1.83 ms"; nothing where neither has any. */
  function instead(cost, key, words) {
    const { before, after } = cost;
    return before[key] || after[key] ? `${words(after[key])} instead of ${words(before[key])}` : null;
  }

  function costs(cost) {
    if (!cost) return [];
    const pages = (count) => page.bytes(count * page.PAGE_BYTES);
    return [
      ["Waits", instead(cost, "stall_ns_total", page.duration)], ["Length of the run", instead(cost, "forecast_s", page.seconds)],
      ["Swapped out", instead(cost, "pswpout", pages)], ["Swapped in", instead(cost, "pswpin", pages)],
      ["Read from files again", instead(cost, "workingset_refault_file", pages)],
      ["Memory held back", cost.held_back_bytes ? page.bytes(cost.held_back_bytes) : null],
      ["Who dies instead", cost.dies.length ? page.foreign(cost.dies.join(", ")) : null],
    ];
  }

  function proofDetails(one, severity) {
    const settings = one.settings && one.settings.length ? page.foreign(one.settings.join(" "), "code") : null;
    const why = severity === "info" ? null : one.not_simulated;
    return [page.definitions([["Simulated", settings], ...costs(one.cost)], "grid"),
      why ? element("p", { class: "note" }, "Simulation: ", page.foreign(why)) : null,
      one.extrapolated ? element("p", { class: "note" }, "Extrapolated: ", page.foreign(one.extrapolated)) : null];
  }

  /** What is only worth knowing has advice that no simulation could prove. */
  function suggestion(one, severity) {
    const more = Object.entries(one).filter(([key, value]) => !KNOWN.has(key) && value !== null && value !== "");
    return element("li", { class: "try" },
      element("p", {}, page.foreign(one.change), " ", severity === "info" && one.proven === null ? null : proof(one),
        one.verdict_after ? [" then: ", page.badge(one.verdict_after)] : null),
      proofDetails(one, severity),
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

  function proofsTold(proofs) {
    if (!proofs || !proofs.suggestions) return [];
    const left = proofs.left_out ? `; ${proofs.left_out} were not reached in the time that --prove allows` : "";
    return [element("p", { class: "note" }, `${proofs.simulated} of ${proofs.suggestions} suggestions were simulated${left}.`,
      proofs.not_possible ? [" ", page.foreign(proofs.not_possible)] : null)];
  }

  page.drawFindings = function (report, title) {
    page.section("findings", "Findings", title || "What to do", (section) => {
      if (!report.findings.length) section.append(element("p", {}, "Nothing to act on was found."));
      section.append(...report.findings.map(finding), ...proofsTold(report.proofs));
      return true;
    });
  };
})();
