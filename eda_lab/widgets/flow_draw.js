// The picture: producers left, the bus in the middle, groups with their queues and workers right, and the messages.
// Shapes and words say what colours say. Text is set as text, never as markup: event data is not to be trusted.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 900, ROW = 96, BOX = 84, TOP = 12, MOST_QUEUED = 5, MOST_WORKERS = 3;
const WORKER = 206, APART = 52; // where the first worker stands in the box of its group, and how far from the next
const PRODUCER = { x: 12, width: 150 }, BUS = { x: 266, width: 64 }, GROUP = { x: 456, width: 432 };
const SHAPES = [
  "M-10,0a10,10 0 1,0 20,0a10,10 0 1,0 -20,0", // a circle, then a square, a diamond and a triangle
  "M-9,-9h18v18h-18z",
  "M0,-12L12,0L0,12L-12,0z",
  "M0,-12L12,9L-12,9z",
];

function element(tag, attributes = {}, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

const short = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

class Picture {
  constructor(svg, run, onChoose) {
    this.svg = svg;
    this.run = run;
    this.onChoose = onChoose;
    this.pool = [];
    this.rows = Math.max(1, run.groups.length, run.producers.length);
    this.height = this.rows * ROW + TOP;
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${this.height}`);
    this.build();
  }
  middle(index, count) {
    return TOP + ((index + 0.5) * this.rows * ROW) / count - 4;
  }
  build() {
    const { run, svg } = this;
    svg.replaceChildren();
    const hub = (this.hub = element("g", { class: "eda-bus" }));
    hub.append(
      element("rect", { x: BUS.x, y: TOP, width: BUS.width, height: this.rows * ROW - TOP, rx: 12 }),
      element("text", { x: BUS.x + BUS.width / 2, y: this.height / 2 + 5, "text-anchor": "middle" }, "bus"),
    );
    this.producers = run.producers.map((name, i) => this.producer(name, this.middle(i, run.producers.length)));
    this.groups = run.groups.map((group, i) => this.group(group, this.middle(i, run.groups.length)));
    this.dots = element("g", { class: "eda-dots" });
    svg.append(hub, ...this.producers.map((p) => p.box), ...this.groups.map((g) => g.box), this.dots);
  }
  producer(name, y) {
    const box = element("g", { class: "eda-producer" }), { sources, messages } = this.run;
    const silent = messages.source.length > 0 && !messages.source.includes(sources.indexOf(name));
    const count = element("text", { x: PRODUCER.x + PRODUCER.width / 2, y: y + 18, "text-anchor": "middle", class: "eda-small" });
    if (!silent) // whoever publishes nothing in the whole run has no arrow
      box.append(
        element("path", { d: `M${PRODUCER.x + PRODUCER.width},${y}H${BUS.x - 6}`, class: "eda-edge" }),
        element("path", { d: `M${BUS.x - 12},${y - 5}l10,5l-10,5z`, class: "eda-arrow" }),
      );
    box.append(
      element("rect", { x: PRODUCER.x, y: y - 28, width: PRODUCER.width, height: 56, rx: 24 }),
      element("text", { x: PRODUCER.x + PRODUCER.width / 2, y, "text-anchor": "middle", class: "eda-name" }, short(name, 18)),
      count,
      element("title", {}, `producer ${name}`),
    );
    return { box, y, count };
  }
  group(group, y) {
    const box = element("g", { class: "eda-group" });
    const right = { x: GROUP.x + GROUP.width - 10, "text-anchor": "end" };
    const counts = element("text", { ...right, y: y - 24, class: "eda-small eda-counts" });
    const ends = element("text", { ...right, y: y - 10, class: "eda-small eda-ends" });
    const states = element("text", { x: GROUP.x + 10, y: y + 39, class: "eda-small eda-states" });
    const last = element("text", { ...right, y: y + 16, class: "eda-last" });
    const more = element("text", { x: GROUP.x + 14, y: y + 22, class: "eda-small eda-more" });
    box.append(
      element("path", { d: `M${BUS.x + BUS.width},${y}H${GROUP.x - 6}`, class: "eda-edge" }),
      element("path", { d: `M${GROUP.x - 12},${y - 5}l10,5l-10,5z`, class: "eda-arrow" }),
      element("text", { x: (BUS.x + BUS.width + GROUP.x) / 2, y: y - 8, "text-anchor": "middle", class: "eda-small" }, short(group.what, 18)),
      element("rect", { x: GROUP.x, y: y - 40, width: GROUP.width, height: BOX, rx: 4, class: "eda-box" }),
      element("rect", { x: GROUP.x + 10, y: y - 6, width: 172, height: 34, rx: 4, class: "eda-lane" }),
      element("text", { x: GROUP.x + 10, y: y - 24, class: "eda-name" }, short(group.name, 20)),
      counts, ends, states, more, last,
      element("title", {}, `group ${group.name}, listens to ${group.what}`),
    );
    if (this.run.sources.includes(group.name)) // what it publishes in turn goes back to the bus
      box.append(
        element("path", { d: `M${GROUP.x},${y + 26}H${BUS.x + BUS.width + 8}`, class: "eda-edge eda-caused" }),
        element("path", { d: `M${BUS.x + BUS.width + 12},${y + 21}l-10,5l10,5z`, class: "eda-arrow" }),
      );
    const workers = group.workers.map((name, i) => this.worker(box, name, i, y));
    return { box, y, counts, ends, states, more, last, workers };
  }
  worker(box, name, index, y) {
    if (index >= MOST_WORKERS) return { x: GROUP.x + WORKER + APART * (MOST_WORKERS - 1), y: y + 11, hidden: true };
    const x = GROUP.x + WORKER + APART * index, made = element("g", { class: "eda-worker" });
    const ring = element("circle", { cx: x, cy: y + 11, r: 15, class: "eda-ring", pathLength: 1, transform: `rotate(-90 ${x} ${y + 11})` });
    const sign = element("text", { x, y: y + 16, "text-anchor": "middle", class: "eda-sign" });
    const attempt = element("text", { x, y: y + 38, "text-anchor": "middle", class: "eda-attempt" });
    made.append(element("circle", { cx: x, cy: y + 11, r: 15 }), ring, sign, attempt, element("title", {}, `consumer ${name}`));
    box.append(made);
    return { x, y: y + 11, box: made, ring, sign, attempt };
  }
  // Where a delivery stands: in its queue (place 0 is next), or with its worker.
  inQueue(g, place) {
    return [GROUP.x + 166 - 24 * Math.min(place, MOST_QUEUED - 1), this.groups[g].y + 11];
  }
  atWorker(g, worker) {
    const { x, y } = this.groups[g].workers[worker] ?? { x: GROUP.x + WORKER, y: this.groups[g].y + 11 };
    return [x, y];
  }
  sourceOf(message) {
    const { run } = this, name = run.sources[run.messages.source[message]];
    const producer = run.producers.indexOf(name);
    if (producer >= 0) return [PRODUCER.x + PRODUCER.width, this.producers[producer].y];
    const group = run.groups.findIndex((g) => g.name === name);
    return group >= 0 ? [GROUP.x, this.groups[group].y + 26] : [BUS.x, this.height / 2];
  }
  // Draw a state at a simulated time, with what moves in the current moment.
  draw(state, time, moving, family, moment) {
    this.mark(moment);
    state.producers.forEach(({ published, down }, i) => {
      this.producers[i].count.textContent = `${down ? "✕ down · " : ""}published ${published}`;
      this.producers[i].box.setAttribute("data-state", down ? "down" : "up");
    });
    const dots = [], known = (row) => ({ row, acked: state.acked.has(row), twin: state.duplicated.has(row) });
    state.groups.forEach((now, g) => {
      const drawn = this.groups[g], extra = now.queue.length - MOST_QUEUED;
      write(drawn.counts, countsOf(now, ATTEMPTS), GROUP.width - 30 - 9 * Math.min(20, this.run.groups[g].name.length));
      write(drawn.ends, countsOf(now, COPIES), GROUP.width - 20);
      write(drawn.states, statesOf(now.workers), WORKER - 36);
      drawn.more.textContent = extra > 0 ? `+${extra}` : now.queue.length ? "" : "queue empty";
      now.queue.slice(0, MOST_QUEUED).forEach((row, place) => dots.push({ ...known(row), at: this.inQueue(g, place), word: "waits in the queue" }));
      now.workers.forEach((worker, w) => {
        this.drawWorker(drawn.workers[w], worker, time, state);
        const row = worker.row >= 0 ? worker.row : worker.held, word = row === worker.row ? "is being worked on" : "is held for its next attempt";
        if (row >= 0 && !drawn.workers[w].hidden) dots.push({ ...known(row), at: this.atWorker(g, w), word });
      });
    });
    const messageOf = this.run.deliveries.message;
    const all = dots.filter((dot) => !moving.hide.has(dot.row)).map((dot) => ({ ...dot, message: messageOf[dot.row] }));
    this.drawDots([...all, ...moving.dots], family);
  }
  // What just happened stands out where it happened, in a word and with a thick rim.
  mark(moment) {
    const { deliveries: d, notes } = this.run, { kind, row } = moment ?? {};
    const inGroup = [KIND.queued, KIND.started, KIND.ended, KIND.acked].includes(kind);
    const here = inGroup ? d.group[row] : kind === KIND.noted ? notes.group[row] : -1;
    const word = kind === KIND.ended ? wordFor(this.run, row) : kind === KIND.acked ? "acked early ✓" : "";
    this.groups.forEach((drawn, g) => {
      drawn.box.classList.toggle("eda-now", g === here);
      drawn.last.textContent = g === here ? word : "";
    });
    this.producers.forEach((drawn, i) => drawn.box.classList.toggle("eda-now", kind === KIND.noted && notes.producer[row] === i));
    this.hub.classList.toggle("eda-now", kind === KIND.published);
  }
  drawWorker(drawn, worker, time, state) {
    if (drawn.hidden) return;
    drawn.box.setAttribute("data-state", worker.row >= 0 ? "busy" : worker.held >= 0 && worker.state === "up" ? "holds" : worker.state);
    drawn.box.setAttribute("data-pace", worker.factor > 1 ? "slow" : "normal");
    drawn.sign.textContent = { down: "✕", paused: "II", gone: "–" }[worker.state] ?? "";
    const { started, ended, attempt } = this.run.deliveries, row = worker.row;
    drawn.attempt.textContent = row < 0 ? (worker.held >= 0 ? "held" : "") : state.acked.has(row) ? "acked" : attempt[row] > 1 ? `attempt ${attempt[row]}` : "";
    const whole = row >= 0 ? (ended[row] < 0 ? Infinity : ended[row]) - started[row] : 1;
    const done = row >= 0 ? Math.min(1, (time - started[row]) / (whole || 1)) : 0;
    drawn.ring.setAttribute("stroke-dasharray", `${done} 1`);
  }
  drawDots(dots, family) {
    const focused = this.focused(), chosen = focused?.message;
    while (this.pool.length < dots.length) this.pool.push(this.dot());
    this.pool.forEach((drawn, i) => {
      const dot = dots[i];
      drawn.box.style.display = dot ? "" : "none";
      if (!dot) return;
      const { message, at, acked, twin } = dot, type = this.run.messages.type[message];
      const word = `${dot.word}${acked ? ", acked already" : ""}${twin ? ", a duplicate" : ""}`;
      drawn.box.setAttribute("transform", `translate(${at[0].toFixed(1)},${at[1].toFixed(1)})`);
      if (drawn.message === message && drawn.word === word && drawn.family === family) return;
      Object.assign(drawn, { message, word, family });
      for (const shape of [drawn.behind, drawn.shape]) shape.setAttribute("d", SHAPES[type % SHAPES.length]);
      drawn.behind.style.display = twin ? "" : "none";
      drawn.check.style.display = acked ? "" : "none";
      drawn.box.setAttribute("data-type", type % 6);
      drawn.box.setAttribute("data-family", !family ? "" : family.has(message) ? "in" : "out");
      drawn.text.textContent = message + 1;
      drawn.box.setAttribute("aria-label", `message ${message + 1}, ${this.run.types[type]}, ${word}`);
    });
    // The keyboard stays with the message that it was on; where that one is gone, with the player.
    if (focused && (focused.message !== chosen || !dots[this.pool.indexOf(focused)])) {
      const place = dots.findIndex((dot) => dot.message === chosen);
      (this.pool[place]?.box ?? this.svg.closest(".eda-flow")).focus({ preventScroll: true });
    }
  }
  focused() {
    const active = this.svg.getRootNode().activeElement;
    return this.pool.find((drawn) => drawn.box === active);
  }
  dot() {
    const box = element("g", { class: "eda-dot", role: "button", tabindex: "-1" });
    const shape = element("path"), text = element("text", { y: 4, "text-anchor": "middle" });
    const behind = element("path", { transform: "translate(4 -4)", class: "eda-twin" }), check = element("g", { class: "eda-check" });
    check.append(element("circle", { cx: 11, cy: -10, r: 6.5 }), element("path", { d: "M7.8,-10l2.4,2.6l4,-5" }));
    box.append(behind, shape, text, check);
    this.dots.append(box);
    const drawn = { box, shape, text, behind, check };
    box.addEventListener("click", () => this.onChoose(drawn.message));
    box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        event.stopPropagation();
        this.onChoose(drawn.message);
      }
    });
    return drawn;
  }
  // The visible messages can be walked through with the arrows up and down, from wherever the player has the keyboard.
  walk(step) {
    const shown = this.pool.filter((drawn) => drawn.box.style.display !== "none");
    const here = shown.indexOf(this.focused());
    shown.at(here < 0 && step < 0 ? -1 : (here + step) % shown.length)?.box.focus();
  }
}

// Set a text; one that is too long for its room is set narrower. In a tab that is not shown it cannot be measured.
function write(text, words, room) {
  if (text.textContent === words && text.measured) return;
  text.textContent = words;
  text.removeAttribute("textLength");
  const length = words.length * 7 < room ? 1 : text.getComputedTextLength();
  text.measured = length > 0;
  if (length <= room) return;
  text.setAttribute("textLength", room);
  text.setAttribute("lengthAdjust", "spacingAndGlyphs");
}
