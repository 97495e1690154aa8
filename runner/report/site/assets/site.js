"use strict";
// No page needs this script to be read. It never makes HTML of text: only text nodes and attributes.
(() => {
  const root = document.documentElement;
  const stored = (key, value) => {
    try {
      if (value === undefined) return localStorage.getItem(key);
      localStorage.setItem(key, value);
    } catch { /* storage may be off */ }
    return null;
  };
  const THEMES = ["auto", "light", "dark"];
  const setTheme = (theme) => (theme === "auto" ? root.removeAttribute("data-theme") : root.setAttribute("data-theme", theme));
  const theme = THEMES.includes(stored("shipworthy-theme")) ? stored("shipworthy-theme") : "auto";
  setTheme(theme); // before anything is drawn

  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const element = (name, text = "") => {
    const made = document.createElement(name);
    made.textContent = text;
    return made;
  };

  function themeButton() {
    const button = document.querySelector("[data-theme-toggle]");
    let now = theme;
    const show = () => { button.querySelector("span").textContent = now; };
    button.addEventListener("click", () => {
      now = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
      setTheme(now);
      stored("shipworthy-theme", now);
      show();
    });
    show();
    button.hidden = false;
  }

  // --- sorting: a button in each heading; the value to sort by is in data-value

  function sortable(table) {
    const heads = all("thead th[data-sort]", table);
    for (const head of heads) {
      const button = element("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const descending = head.getAttribute("aria-sort")
          ? head.getAttribute("aria-sort") === "ascending"
          : head.dataset.sort === "number" && !/^(Rank|Cost|Time|Epoch)$/.test(button.textContent.trim());
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", descending ? "descending" : "ascending");
        sort(table, head, descending);
      });
    }
  }

  function sort(table, head, descending) {
    const column = [...head.parentNode.children].indexOf(head);
    const numeric = head.dataset.sort === "number";
    const value = (row) => row.children[column].dataset.value ?? row.children[column].textContent.trim();
    const order = (a, b) => (numeric ? a - b : a.localeCompare(b, "en", { numeric: true }));
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [numeric ? Number(value(row)) : value(row), row]);
    rows.sort((a, b) => order(a[0], b[0]) * (descending ? -1 : 1));
    body.append(...rows.map(([, row]) => row));
  }

  // --- filters: each control names a data attribute of the rows; the address keeps the choice

  function filters(form) {
    const tables = form.dataset.filters.split(" ").map((id) => document.getElementById(id));
    const none = document.getElementById(`${tables[0].id}-none`);
    const controls = all("[data-filter]", form);
    const known = new URLSearchParams(location.hash.slice(1));
    for (const control of controls) {
      const value = known.get(control.dataset.filter);
      if (value !== null && (control.tagName === "INPUT" || all("option", control).some((o) => o.value === value))) control.value = value;
    }
    const apply = () => {
      const wanted = controls.map((c) => [c.dataset.filter, c.value.trim(), c]);
      const fits = (row) => wanted.every(([name, value]) => {
        if (name === "text") return row.dataset.text.includes(value.toLowerCase());
        return (value === "" && name !== "scope") || row.dataset[name] === value;
      });
      const counts = tables.map((table) => {
        const rows = [...table.tBodies[0].rows];
        for (const row of rows) row.hidden = !fits(row);
        const count = rows.filter((row) => !row.hidden).length;
        (table.closest("section[aria-labelledby]") ?? table).hidden = count === 0;
        return count;
      });
      const shown = counts[0];
      const scope = form.querySelector("[data-filter=scope]");
      if (scope) for (const chart of all("[data-chart]")) chart.hidden = chart.dataset.chart !== scope.value;
      none.hidden = shown > 0;
      form.querySelector("output").textContent = `${shown} shown`;
      const kept = wanted.filter(([, value, c]) => value !== "" && value !== c.options?.[0].value);
      const hash = new URLSearchParams(kept.map(([name, value]) => [name, value])).toString();
      history.replaceState(null, "", `#${hash}`);
    };
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    for (const reset of all(`[data-reset="${tables[0].id}"]`)) {
      reset.addEventListener("click", () => { form.reset(); apply(); controls[0].focus(); });
    }
    form.hidden = false;
    if (known.size) apply();
  }

  // --- comparison: the chosen columns, and rows that differ among them

  function comparison(form) {
    const table = document.getElementById("compare");
    const boxes = all(".chips input", form);
    const differences = form.querySelector("[data-differences]");
    const known = new URLSearchParams(location.hash.slice(1)).get("of");
    if (known) for (const box of boxes) box.checked = known.split(".").includes(box.value);
    const apply = (event) => {
      const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
      for (const cell of all("[data-column]", table)) cell.hidden = !chosen.includes(cell.dataset.column);
      let shown = 0;
      for (const row of all("tbody tr:not(.group)", table)) {
        const values = all("td", row).filter((cell) => !cell.hidden).map((cell) => cell.dataset.value);
        row.hidden = differences.checked && new Set(values).size < 2;
        shown += !row.hidden;
      }
      for (const body of table.tBodies) body.hidden = [...body.rows].slice(1).every((row) => row.hidden);
      form.querySelector("output").textContent = `${chosen.length} compared, ${shown} rows`;
      const duels = all("#duels li");
      for (const duel of duels) duel.hidden = !duel.dataset.pair.split("-").every((n) => chosen.includes(n));
      const told = document.getElementById("duels-none");
      if (told) told.hidden = chosen.length < 2 || duels.filter((duel) => !duel.hidden).length === (chosen.length * (chosen.length - 1)) / 2;
      if (event) history.replaceState(null, "", `#of=${chosen.join(".")}`);
    };
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.hidden = false;
    apply();
  }

  // --- transcript: open, close, and search in all parts; the index is loaded at the first letter

  let index = null;
  window.shipworthyData = (rows) => { index = rows; };

  function transcript(form) {
    const input = form.querySelector("input");
    const hits = document.querySelector(".hits");
    const output = form.querySelector("output");
    const turns = all("details.turn");
    let asked = false;
    const search = () => {
      const words = input.value.trim().toLowerCase();
      hits.replaceChildren();
      hits.hidden = words.length < 2 || index === null;
      output.textContent = "";
      if (hits.hidden) return;
      const found = index.filter(([, , text]) => text.toLowerCase().includes(words));
      output.textContent = `${found.length} turn${found.length === 1 ? "" : "s"}`;
      for (const hit of found.slice(0, 200)) hits.append(hitLine(hit, words));
    };
    const load = () => {
      if (index !== null) return search();
      if (asked) return undefined;
      asked = true;
      const script = document.createElement("script");
      script.addEventListener("load", search);
      script.addEventListener("error", () => { output.textContent = "The index could not be read."; });
      source(script, form.dataset.search);
      return document.head.append(script);
    };
    input.addEventListener("input", load);
    form.addEventListener("submit", (event) => event.preventDefault());
    for (const button of all("[data-open]", form)) {
      button.addEventListener("click", () => { for (const turn of turns) turn.open = button.dataset.open === "all"; });
    }
    hits.addEventListener("click", (event) => {
      if (event.target.closest("a")) setTimeout(reveal);
    });
    form.hidden = false;
  }

  function hitLine([file, number, text], words) {
    const line = element("li");
    const link = element("a", `Turn ${number}`);
    link.href = `${file}#t${number}`;
    const at = text.toLowerCase().indexOf(words);
    const mark = element("mark", text.slice(at, at + words.length));
    const before = text.slice(Math.max(0, at - 60), at);
    line.append(link, ` ${before}`, mark, text.slice(at + words.length, at + words.length + 100));
    return line;
  }

  function reveal() {
    const target = location.hash.startsWith("#") && document.getElementById(location.hash.slice(1));
    if (target && target.matches("details")) {
      target.open = true;
      target.scrollIntoView({ block: "start" });
      target.querySelector("summary").focus({ preventScroll: true });
    }
  }

  // The one place that sets a script's address: the search index beside the page, nothing else. Where the
  // browser enforces Trusted Types, the page's policy allows this one policy and no other.
  function source(script, name) {
    const createScriptURL = (url) => {
      if (url !== "search.js") throw new TypeError("not an index of ours");
      return url;
    };
    script.src = (window.trustedTypes?.createPolicy("shipworthy", { createScriptURL }) ?? { createScriptURL }).createScriptURL(name);
  }

  // --- live: the local server says when there is something new; who is in the middle of something is asked

  function live() {
    const toast = document.querySelector(".toast");
    new EventSource("/events").addEventListener("changed", () => {
      const section = document.querySelector("header").dataset.section;
      const idle = [document.body, null].includes(document.activeElement);
      if (idle && ["index", "runs"].includes(section)) {
        location.reload();
        return;
      }
      const button = element("button", "Show");
      button.addEventListener("click", () => location.reload());
      toast.replaceChildren("A run finished.", button);
      toast.hidden = false;
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    themeButton();
    for (const table of all("table.board[id]")) sortable(table);
    for (const form of all("[data-filters]")) filters(form);
    for (const form of all("[data-compare]")) comparison(form);
    for (const form of all("[data-search]")) transcript(form);
    reveal();
    window.addEventListener("hashchange", reveal);
    if (root.hasAttribute("data-live")) live();
  });
})();
