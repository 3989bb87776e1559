"use strict";
// What a page can do with a script, and does well without: a threshold to move, tables to sort,
// values under the pointer. No request is ever made.
(() => {
  /* As the words of the page round: what lies in the middle goes to the even digit. */
  const text = (value, digits = 1) => {
    const size = Math.abs(value);
    const scaled = size * 10 ** digits;
    const isMiddle = scaled % 1 === 0.5 && Number.isInteger(size * 2 ** (digits + 1));
    const isEvenBelow = isMiddle && Math.floor(scaled) % 2 === 0;
    const rounded = isEvenBelow ? Math.floor(scaled) / 10 ** digits : size;
    const [whole, part] = rounded.toFixed(digits).split(".");
    const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",") + (part ? `.${part}` : "");
    return value < 0 && /[1-9]/.test(grouped) ? `\u2212${grouped}` : grouped;
  };

  /* The point that holds at a threshold; points are [threshold, rightly, wrongly flagged]. */
  const at = (points, threshold) => {
    let now = [threshold, 0, 0];
    for (const point of points) {
      if (point[0] < threshold) break;
      now = point;
    }
    return now;
  };

  const thresholds = (box) => {
    const data = JSON.parse(box.dataset.thresholds);
    const slider = box.querySelector("input[type=range]");
    const costs = [...box.querySelectorAll("input[type=number]")];
    const out = (name) => box.querySelector(`[data-out=${name}]`);
    const hundredths = (data.positives + data.negatives) / 100;
    const isCost = (input) => input.value.trim() !== "" && Number(input.value) >= 0;
    const effect = ([, right, wrong]) => {
      const missed = (data.positives - right) / hundredths;
      const [alarm, miss] = costs.map((input) => Number(input.value));
      const cost = (wrong / hundredths) * alarm + missed * miss;
      return { flagged: (right + wrong) / hundredths, right: right / hundredths, missed, cost };
    };
    const show = () => {
      const threshold = Number(slider.value);
      const now = effect(at(data.points, threshold));
      slider.setAttribute("aria-valuetext", `${text(threshold * 100)} %`);
      out("threshold").textContent = `${text(threshold * 100)} %`;
      out("flagged").textContent = text(now.flagged);
      out("right").textContent = now.flagged > 0 ? text((now.right / now.flagged) * 100) : "–";
      out("missed").textContent = text(now.missed);
      const areCosts = costs.every(isCost);
      out("cost").textContent = areCosts ? text(now.cost) : "–";
      for (const input of costs) input.setAttribute("aria-invalid", String(!isCost(input)));
      box.querySelector("button").disabled = !areCosts;
      box.querySelector(".invalid").hidden = areCosts;
    };
    slider.addEventListener("input", show);
    costs.forEach((input) => input.addEventListener("input", show));
    box.querySelector("button").addEventListener("click", () => {
      let best = [Infinity, 1];
      for (const point of [[1, 0, 0], ...data.points]) {
        const { cost } = effect(point);
        if (cost < best[0]) best = [cost, point[0]];
      }
      slider.value = best[1];
      show();
    });
    box.hidden = false;
    show();
  };

  /* What a cell is sorted by: its number, else its words. */
  const key = (cell) => {
    const words = cell.firstChild && cell.querySelector("small")
      ? cell.textContent.slice(0, -cell.querySelector("small").textContent.length)
      : cell.textContent;
    const number = Number.parseFloat(words.replace(/[,\s\u00a0]/g, "").replace("−", "-"));
    return [number, words.trim().toLowerCase()];
  };

  const sortable = (table) => {
    const body = table.tBodies[0];
    if (!body || body.rows.length < 4) return;
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const rising = head.getAttribute("aria-sort") !== "ascending";
        const rows = [...body.rows].map((row) => [key(row.cells[column]), row]);
        rows.sort(([[a, wordsA]], [[b, wordsB]]) => {
          const byNumber = Number.isNaN(a) || Number.isNaN(b)
            ? Number.isNaN(a) - Number.isNaN(b) || wordsA.localeCompare(wordsB)
            : a - b;
          return rising ? byNumber : -byNumber;
        });
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", rising ? "ascending" : "descending");
        body.append(...rows.map(([, row]) => row));
      });
    });
  };

  /* On a narrow screen, where each row is a card, all but the first ones wait for a button. */
  const SHOWN = 3;
  const foldable = (table) => {
    const rows = [...table.tBodies].flatMap((body) => [...body.rows]);
    if (rows.length <= SHOWN + 1) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "unfold";
    button.textContent = `Show all ${rows.length} rows`;
    button.setAttribute("aria-expanded", "false");
    table.classList.add("folded");
    table.after(button);
    button.addEventListener("click", () => {
      table.classList.remove("folded");
      button.remove();
    });
  };

  /* Follows the line of a chart: data-scale holds the values and pixels of both axes' ends. */
  const follow = (svg) => {
    const line = svg.querySelector("path.line");
    if (!line) return;
    const [x0, x1, px0, px1, y0, y1, py0, py1] = svg.dataset.scale.split(" ").map(Number);
    const points = line.getAttribute("d").slice(1).split("L").map((p) => p.split(" ").map(Number));
    const make = (name, kind) => {
      const element = document.createElementNS(svg.namespaceURI, name);
      element.setAttribute("class", kind);
      element.setAttribute("visibility", "hidden");
      svg.append(element);
      return element;
    };
    const dot = make("circle", "dot");
    const note = make("text", "note");
    dot.setAttribute("r", 4);
    const value = (pixel, p0, p1, v0, v1) => v0 + ((pixel - p0) / (p1 - p0)) * (v1 - v0);
    const digits = (low, high) => Math.max(0, 2 - Math.floor(Math.log10(Math.abs(high - low) || 1)));
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const pixel = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
      const near = points.reduce((a, b) => (Math.abs(b[0] - pixel) < Math.abs(a[0] - pixel) ? b : a));
      const right = near[0] > svg.viewBox.baseVal.width / 2;
      const [x, y] = [value(near[0], px0, px1, x0, x1), value(near[1], py0, py1, y0, y1)];
      dot.setAttribute("cx", near[0]);
      dot.setAttribute("cy", near[1]);
      note.setAttribute("x", near[0] + (right ? -9 : 9));
      note.setAttribute("y", near[1] + (near[1] < 30 ? 20 : -9));
      note.setAttribute("text-anchor", right ? "end" : "start");
      note.textContent = `${text(x, digits(x0, x1))} → ${text(y, digits(y0, y1))}`;
      for (const element of [dot, note]) element.setAttribute("visibility", "visible");
    });
    svg.addEventListener("pointerleave", () => {
      for (const element of [dot, note]) element.setAttribute("visibility", "hidden");
    });
  };

  document.querySelectorAll("[data-thresholds]").forEach(thresholds);
  document.querySelectorAll("table").forEach(sortable);
  document.querySelectorAll("table.cards").forEach(foldable);
  document.querySelectorAll("svg[data-scale]").forEach(follow);
})();
