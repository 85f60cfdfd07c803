// What the page can do beside being read: copy tables, save figures, filter answers. It asks for nothing elsewhere.
"use strict";
const make = (tag, text, attributes = {}) => {
  const element = document.createElement(tag);
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};

const copied = async (button, text) => {
  try {
    await navigator.clipboard.writeText(text);
  } catch {  // an older browser, or a page without the permission
    const area = document.body.appendChild(make("textarea", ""));
    area.value = text;
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  const before = button.textContent;
  button.textContent = "copied";
  setTimeout(() => { button.textContent = before; }, 1200);
};

// a spreadsheet would run what begins like a formula; numbers with a sign stay as they are
const field = text => {
  const number = /^[+-]\d*\.?\d+(e[+-]?\d+)?$/i;
  const safe = /^[=@\t\r]/.test(text) || (/^[+-]/.test(text) && !number.test(text)) ? `'${text}` : text;
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};
const TEX = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "±": "$\\pm$",
  "−": "$-$", "<": "$<$", ">": "$>$" };
const tex = text => text.replace(/[\\~^±−<>]|[&%$#_{}]/g, mark => TEX[mark] ?? `\\${mark}`);
const FORMATS = {
  Markdown: rows => {
    const lines = rows.map(row => `| ${row.map(cell => cell.replace(/[\\|<`]/g, mark => `\\${mark}`)).join(" | ")} |`);
    return [lines[0], `|${" --- |".repeat(rows[0].length)}`, ...lines.slice(1)].join("\n") + "\n";
  },
  LaTeX: rows => {
    const lines = rows.map(row => `${row.map(tex).join(" & ")} \\\\`);
    const body = [lines[0], "\\midrule", ...lines.slice(1)].join("\n");
    return `\\begin{tabular}{${"l".repeat(rows[0].length)}}\n\\toprule\n${body}\n\\bottomrule\n\\end{tabular}\n`;
  },
  CSV: rows => rows.map(row => row.map(field).join(",")).join("\r\n") + "\r\n",
};
const cells = table => [...table.rows].map(row =>
  [...row.cells].map(cell => cell.textContent.replace(/\s+/g, " ").trim()));
for (const table of document.querySelectorAll("table")) {
  const bar = make("p", "copy as ", { class: "bar" });
  for (const [name, format] of Object.entries(FORMATS)) {
    const button = bar.appendChild(make("button", name, { type: "button" }));
    button.addEventListener("click", () => copied(button, format(cells(table))));
  }
  table.parentElement.after(bar);
}
for (const pre of document.querySelectorAll("pre.bib")) {
  const bar = make("p", "", { class: "bar" });
  const button = bar.appendChild(make("button", "copy", { type: "button" }));
  button.addEventListener("click", () => copied(button, pre.textContent));
  pre.after(bar);
}

// figures are saved from the page itself, which may have been sent without its folder
const drawn = figure => {
  const svg = new XMLSerializer().serializeToString(figure.querySelector("svg"));
  return svg.replace(/var\(--grey-[0-9a-f]{2}, (#[0-9a-f]{6})\)/g, "$1");
};
const save = (url, name) => make("a", "", { href: url, download: name }).click();
for (const figure of document.querySelectorAll("figure[data-name]")) {
  const name = figure.dataset.name;
  figure.querySelector("a.svg").addEventListener("click", event => {
    event.preventDefault();
    save(URL.createObjectURL(new Blob([drawn(figure)], { type: "image/svg+xml" })), `${name}.svg`);
  });
  figure.querySelector("a.png").addEventListener("click", event => {
    event.preventDefault();
    const picture = new Image();
    picture.onload = () => {
      const box = figure.querySelector("svg").viewBox.baseVal;
      const canvas = make("canvas", "", { width: Math.round(box.width * 3), height: Math.round(box.height * 3) });
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      save(canvas.toDataURL("image/png"), `${name}.png`);
    };
    picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(drawn(figure))}`;
  });
}

for (const part of document.querySelectorAll(".asking")) {
  const bar = make("p", "", { class: "bar" });
  const words = bar.appendChild(make("input", "", { type: "search", placeholder: "words in question or answer",
    "aria-label": "words in question or answer" }));
  const shows = bar.appendChild(make("select", "", { "aria-label": "which answers" }));
  for (const [value, text] of [["", "all answers"], ["yes", "showing the trait"], ["no", "not showing it"]])
    shows.append(make("option", text, { value }));
  const arms = new Map();
  for (const card of part.querySelectorAll(".card")) {
    if (arms.has(card.dataset.arm)) continue;
    const label = bar.appendChild(make("label", ""));
    const box = label.appendChild(make("input", "", { type: "checkbox" }));
    box.checked = true;
    label.append(` ${card.dataset.arm}`);
    arms.set(card.dataset.arm, box);
  }
  const none = make("p", "No answer is like this.", { class: "soft", hidden: "" });
  const filter = () => {
    let left = 0;
    for (const asked of part.querySelectorAll(".asked")) {
      const question = asked.querySelector(".question").textContent.toLowerCase();
      let seen = 0;
      for (const card of asked.querySelectorAll(".card")) {
        const text = question + card.textContent.toLowerCase();
        const shown = arms.get(card.dataset.arm).checked && text.includes(words.value.toLowerCase())
          && (!shows.value || card.dataset.shows === shows.value);
        card.hidden = !shown;
        seen += shown;
      }
      asked.hidden = !seen;
      left += seen;
    }
    none.hidden = left > 0;
  };
  bar.addEventListener("input", filter);
  part.prepend(bar);
  part.append(none);
}
