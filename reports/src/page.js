// Says what a chart shows at the point under the pointer or, by arrow keys, at the one that is chosen.
// The page is complete without it. No less-than sign and no ampersand in here: it is read as XML too.
(() => {
  "use strict";
  const tell = (figure) => {
    const { names, points } = JSON.parse(figure.dataset.tips);
    const tip = document.createElement("output");
    tip.className = "tip";
    tip.hidden = true;
    figure.append(tip);
    const say = (parent, tag, text) => {
      const part = document.createElement(tag);
      part.textContent = text;
      parent.append(part);
    };
    for (const svg of figure.querySelectorAll("svg[data-plot]")) {
      const [left, top, right, bottom] = svg.dataset.plot.split(" ").map(Number);
      const cursor = document.createElementNS(svg.namespaceURI, "line");
      cursor.setAttribute("class", "cursor");
      cursor.setAttribute("y1", top);
      cursor.setAttribute("y2", bottom);
      let at = -1;
      const hide = () => {
        tip.hidden = true;
        cursor.remove();
      };
      const show = (wanted) => {
        at = Math.max(0, Math.min(points.length - 1, wanted));
        const [place, head, ...values] = points[at];
        const x = left + (right - left) * place / 10000;
        cursor.setAttribute("x1", x);
        cursor.setAttribute("x2", x);
        svg.append(cursor);
        tip.replaceChildren();
        say(tip, "strong", head);
        values.forEach((value, index) => say(tip, "span", `${names[index]}: ${value}`));
        tip.hidden = false;
        const page = figure.getBoundingClientRect();
        const drawn = svg.getBoundingClientRect();
        const pixel = drawn.left - page.left + x * drawn.width / svg.viewBox.baseVal.width;
        const room = page.width - tip.offsetWidth;
        const beside = pixel + 12 > room ? pixel - 12 - tip.offsetWidth : pixel + 12;
        tip.style.left = `${Math.max(0, Math.min(room, beside))}px`;
        tip.style.top = `${drawn.top - page.top + drawn.height * top / svg.viewBox.baseVal.height}px`;
      };
      const nearest = (event) => {
        const drawn = svg.getBoundingClientRect();
        const x = (event.clientX - drawn.left) * svg.viewBox.baseVal.width / drawn.width;
        const wanted = (x - left) / (right - left) * 10000;
        const far = points.map((point) => Math.abs(point[0] - wanted));
        show(far.indexOf(Math.min(...far)));
      };
      const keys = {
        ArrowLeft: () => show(at - 1),
        ArrowRight: () => show(at + 1),
        PageUp: () => show(at - 10),
        PageDown: () => show(at + 10),
        Home: () => show(0),
        End: () => show(points.length - 1),
        Escape: hide,
      };
      svg.tabIndex = 0;
      svg.addEventListener("pointermove", nearest);
      svg.addEventListener("pointerdown", nearest);
      svg.addEventListener("pointerleave", hide);
      svg.addEventListener("focus", () => show(Math.max(at, 0)));
      svg.addEventListener("blur", hide);
      svg.addEventListener("keydown", (event) => {
        const key = keys[event.key];
        if (key) {
          event.preventDefault();
          key();
        }
      });
    }
  };
  document.querySelectorAll("figure[data-tips]").forEach(tell);
})();
