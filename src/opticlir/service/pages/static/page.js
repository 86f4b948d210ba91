// What the page does beyond its markup: words light up together, heat maps open in place, and lines join what belongs
// together. Without this file everything is still there to read.
"use strict";

const SVG = "http://www.w3.org/2000/svg";

function threads(holder) {
  const old = holder.querySelector(":scope > .threads");
  if (old) old.remove();
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "threads");
  svg.setAttribute("aria-hidden", "true");
  holder.append(svg);
  return svg;
}

function curve(svg, holder, from, to, upright) {
  const frame = holder.getBoundingClientRect();
  const path = document.createElementNS(SVG, "path");
  const [ax, ay, bx, by] = [from.x - frame.left, from.y - frame.top, to.x - frame.left, to.y - frame.top];
  const bend = upright ? [ax, (ay + by) / 2, bx, (ay + by) / 2] : [(ax + bx) / 2, ay, (ax + bx) / 2, by];
  path.setAttribute("d", `M${ax} ${ay}C${bend[0]} ${bend[1]} ${bend[2]} ${bend[3]} ${bx} ${by}`);
  svg.append(path);
  return path;
}

// ---- words of the question and the words that they met

function wordsOf(element) {
  return element.dataset.words.split(" ");
}

function light(answer, words) {
  answer.classList.toggle("dimmed", words.length > 0);
  for (const each of answer.querySelectorAll("[data-words]")) {
    each.classList.toggle("lit", wordsOf(each).some((word) => words.includes(word)));
  }
  for (const hit of answer.querySelectorAll(".hit")) join(hit, words);
}

function join(hit, words) {
  const svg = threads(hit);
  for (const unit of hit.querySelectorAll(".unit.lit")) {
    if (!unit.offsetParent) continue; // in a closed part of the page
    const box = unit.getBoundingClientRect();
    for (const mark of hit.querySelectorAll("mark.lit")) {
      if (!wordsOf(mark).includes(unit.dataset.words)) continue;
      const met = mark.getBoundingClientRect();
      const from = { x: box.left + box.width / 2, y: box.top };
      const path = curve(svg, hit, from, { x: met.left + met.width / 2, y: met.bottom }, true);
      path.setAttribute("class", unit.className.match(/hue\d+/)[0]);
    }
  }
  if (!words.length) svg.remove();
}

function connectWords(answer) {
  let kept = null; // the element whose words stay lit
  const shown = (element) => light(answer, element ? wordsOf(element) : kept ? wordsOf(kept) : []);
  const keep = (element) => {
    for (const each of answer.querySelectorAll("[aria-pressed=true]")) each.setAttribute("aria-pressed", "false");
    kept = kept === element ? null : element;
    if (kept && kept.hasAttribute("aria-pressed")) kept.setAttribute("aria-pressed", "true");
    shown(null);
  };
  const found = (event) => event.target.closest("[data-words]");
  answer.addEventListener("pointerover", (event) => event.pointerType === "mouse" && shown(found(event)));
  answer.addEventListener("pointerleave", () => shown(null));
  answer.addEventListener("focusin", (event) => shown(found(event)));
  answer.addEventListener("focusout", () => shown(null));
  answer.addEventListener("click", (event) => {
    const element = found(event);
    if (element && !element.closest("a")) keep(element);
    else if (kept && !event.target.closest("a, summary")) keep(kept);
  });
  answer.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && kept) keep(kept);
    if ((event.key === "Enter" || event.key === " ") && event.target.matches("[aria-pressed]")) {
      event.preventDefault();
      keep(event.target);
    }
  });
  answer.addEventListener("toggle", () => shown(null), true);
  window.addEventListener("resize", () => shown(null));
  for (const row of answer.querySelectorAll(".question, .gloss")) stepThrough(row);
}

// one stop of the Tab key per row of words; arrow keys go from word to word
function stepThrough(row) {
  const words = [...row.querySelectorAll("[data-words]")];
  words.forEach((word, place) => {
    word.tabIndex = place ? -1 : 0;
    word.setAttribute("role", "button");
    word.setAttribute("aria-pressed", "false");
  });
  row.addEventListener("keydown", (event) => {
    const forward = getComputedStyle(row).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
    const backward = forward === "ArrowRight" ? "ArrowLeft" : "ArrowRight";
    const now = words.indexOf(event.target);
    const next = { [forward]: now + 1, [backward]: now - 1, Home: 0, End: words.length - 1 }[event.key];
    if (now < 0 || !words[next]) return;
    event.preventDefault();
    words[now].tabIndex = -1;
    words[next].tabIndex = 0;
    words[next].focus();
  });
}

// ---- heat maps in place

async function openMap(link) {
  const open = link.textContent;
  const answer = await fetch(link.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const map = page.querySelector("#map");
  if (!map) return void (location.href = link.href);
  const id = `map${link.closest(".hit").querySelector("h2").id}`;
  map.id = id;
  map.classList.add("opened");
  for (const each of map.querySelectorAll("[id]")) each.id = `${id}${each.id}`;
  for (const each of [map, ...map.querySelectorAll("[aria-labelledby]")]) each.setAttribute("aria-labelledby", `${id}caption`);
  link.closest(".why").append(map);
  link.textContent = link.dataset.close;
  link.setAttribute("aria-expanded", "true");
  link.setAttribute("aria-controls", id);
  link.closing = () => {
    map.remove();
    link.textContent = open;
    link.setAttribute("aria-expanded", "false");
    link.removeAttribute("aria-controls");
    link.closing = null;
  };
}

function mapInPlace(link) {
  link.setAttribute("role", "button");
  link.setAttribute("aria-expanded", "false");
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (link.closing) link.closing();
    else if (!link.busy) link.busy = openMap(link).catch(() => (location.href = link.href)).finally(() => (link.busy = null));
  });
  link.addEventListener("keydown", (event) => {
    if (event.key === " ") {
      event.preventDefault();
      link.click();
    }
  });
}

// ---- two systems: a line from a document to itself in the other list

function connectSystems(pair) {
  const [left, right] = pair.querySelectorAll("section");
  const twin = (item, section) => [...section.querySelectorAll("li")].find((each) => each.dataset.doc === item.dataset.doc);
  const draw = () => {
    const svg = threads(pair);
    if (left.getBoundingClientRect().top !== right.getBoundingClientRect().top) return; // one below the other
    for (const item of left.querySelectorAll(".both")) {
      const [a, b] = [item.getBoundingClientRect(), twin(item, right).getBoundingClientRect()];
      const [from, to] = a.left < b.left ? [a.right, b.left] : [a.left, b.right];
      const path = curve(svg, pair, { x: from, y: a.top + a.height / 2 }, { x: to, y: b.top + b.height / 2 }, false);
      path.dataset.doc = item.dataset.doc;
    }
  };
  const lightTwins = (doc) => {
    for (const each of pair.querySelectorAll("[data-doc]")) each.classList.toggle("lit", each.dataset.doc === doc);
  };
  pair.addEventListener("pointerover", (event) => lightTwins(event.target.closest(".both")?.dataset.doc));
  pair.addEventListener("pointerleave", () => lightTwins(null));
  window.addEventListener("resize", draw);
  draw();
}

// ---- everything else

for (const answer of document.querySelectorAll(".answer")) connectWords(answer);
for (const link of document.querySelectorAll("a.map")) mapInPlace(link);
for (const pair of document.querySelectorAll(".pair")) connectSystems(pair);

const question = document.querySelector("#q");
question?.addEventListener("input", () => (question.dir = question.value ? "auto" : document.documentElement.dir));

const menu = document.querySelector(".interface");
document.addEventListener("click", (event) => menu.contains(event.target) || (menu.open = false));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && menu.open) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
  const writes = event.target.matches("input, select, textarea");
  if (event.key === "/" && question && !writes && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    question.focus();
    question.select();
  }
});
