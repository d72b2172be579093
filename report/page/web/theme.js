// Chooses between light and dark, and gives charts the colours of the page.
//
// The system's choice holds until the button is pressed. Paper is white: while a page is printed it is light.
(function () {
  "use strict";

  const page = window.oomcast;
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const listeners = [];

  /** Calls `listener` whenever colours have changed. */
  page.onColours = (listener) => listeners.push(listener);

  const probe = page.element("span", { hidden: true });
  document.body.append(probe);

  /** What a custom property of the page, "--series-1" for example, is in the present colours: canvases take no light-dark(). */
  page.colour = function (name) {
    probe.style.color = "var(" + name + ")";
    return getComputedStyle(probe).color;
  };

  function tell() {
    for (const listener of listeners) listener();
  }

  function isDark() {
    return root.dataset.theme ? root.dataset.theme === "dark" : dark.matches;
  }

  const button = page.element("button", { id: "theme", type: "button" });
  function label() {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", isDark() ? "Show the page in light colours" : "Show the page in dark colours");
  }
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    label();
    tell();
  });
  document.querySelector("header").append(button);
  label();
  dark.addEventListener("change", () => {
    label();
    tell();
  });

  let before = null;
  window.addEventListener("beforeprint", () => {
    before = root.dataset.theme || "";
    root.dataset.theme = "light";
    // The stacks of a table stay closed: two hundred of them fill a book.
    for (const details of document.querySelectorAll("details:not([open]):not(.table details)")) {
      details.open = true;
      details.dataset.opened = "for print";
    }
    tell();
  });
  window.addEventListener("afterprint", () => {
    if (before === null) return;
    if (before) root.dataset.theme = before;
    else delete root.dataset.theme;
    before = null;
    for (const details of document.querySelectorAll("details[data-opened]")) {
      details.open = false;
      delete details.dataset.opened;
    }
    tell();
  });
})();
