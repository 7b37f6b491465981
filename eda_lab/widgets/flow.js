// The player: controls, keyboard, and the loop that plays a run. All is computed here, from the trace; the kernel hears
// of it only when the player comes to rest.

const PAGE = `
  <div class="eda-flow-stage"><svg class="eda-flow-svg" role="group"></svg></div>
  <p class="eda-flow-sentence"></p>
  <div class="eda-flow-controls">
    <input type="range" min="0" step="1" aria-label="Moment of the run">
    <span class="eda-flow-at"></span>
  </div>
  <div class="eda-flow-controls">
    <button type="button" data-do="first" title="To the beginning (Home)">« First</button>
    <button type="button" data-do="back" title="One thing back (arrow left)">‹ Back</button>
    <button type="button" data-do="play" title="Play or pause (space)">Play</button>
    <button type="button" data-do="step" title="The next thing (arrow right)">Step ›</button>
    <button type="button" data-do="last" title="To the end (End)">Last »</button>
    <label>Speed <select aria-label="Speed"></select></label>
    <label>Message <input type="number" min="1" step="1" aria-label="Show the story of message number"></label>
  </div>
  <p class="eda-flow-thin"></p>
  <p class="eda-flow-story"></p>
  <div class="eda-flow-live" role="status" aria-live="polite"></div>
  <details class="eda-flow-transcript"><summary></summary><pre tabindex="0"></pre></details>`;
const SPEEDS = [0.25, 0.5, 1, 2, 4, 16];
const MOST_LINES = 5000;

class Player {
  constructor(model, root) {
    this.model = model;
    this.root = root;
    root.className = "eda-flow";
    root.tabIndex = -1;
    root.innerHTML = PAGE; // fixed text of ours; data is only ever set as text
    const find = (selector) => root.querySelector(selector);
    this.parts = {
      svg: find("svg"), sentence: find(".eda-flow-sentence"), live: find(".eda-flow-live"), scrub: find("input[type=range]"),
      output: find(".eda-flow-at"), speed: find("select"), number: find("input[type=number]"), story: find(".eda-flow-story"),
      thin: find(".eda-flow-thin"), transcript: find("details"), lines: find("pre"), play: find("[data-do=play]"),
    };
    for (const speed of SPEEDS) this.parts.speed.append(new Option(`${speed} x`, speed, speed === 1, speed === 1));
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.frame = 0;
    this.listen();
    this.load();
  }
  load() {
    this.stop();
    this.run = this.model.get("run");
    this.moments = momentsOf(this.run);
    this.schedule = scheduleOf(this.moments);
    this.state = new State(this.run);
    this.family = null;
    this.picture = new Picture(this.parts.svg, this.run, (message) => this.choose(message));
    const { scrub, number, transcript, lines, thin, svg } = this.parts;
    scrub.max = this.moments.length;
    number.max = this.run.messages.type.length;
    number.value = "";
    this.parts.story.textContent = "";
    svg.setAttribute("aria-label", this.run.alt);
    thin.textContent = this.run.thin;
    transcript.firstElementChild.textContent = `Transcript (${this.run.log.length} lines)`;
    lines.textContent = "";
    if (transcript.open) this.openTranscript();
    this.show(Math.min(this.model.get("moment"), this.moments.length));
  }
  // `count` moments are over; the picture stands still.
  show(count, { announce = false } = {}) {
    this.count = count;
    this.at = count ? this.schedule[count - 1].end : 0;
    this.state.seek(count ? this.moments[count - 1].end : 0);
    this.paint(this.timeAt(count), { dots: [], hide: new Set() });
    this.tell(count);
    if (announce) this.parts.live.textContent = this.parts.sentence.textContent;
  }
  timeAt(count) {
    return count ? this.moments[count - 1].time : 0;
  }
  tell(count) {
    const { sentence, scrub, output } = this.parts, moment = this.moments[count - 1];
    sentence.textContent = moment ? this.run.sentences[moment.start].trim() : "Nothing has happened yet. Press play, or step.";
    sentence.dataset.kind = moment ? moment.kind : "";
    scrub.value = count;
    output.textContent = `${(this.timeAt(count) / 1e6).toFixed(3)} s, ${count} of ${this.moments.length}`;
    scrub.setAttribute("aria-valuetext", output.textContent);
  }
  paint(time, moving) {
    this.picture.draw(this.state, time, moving, this.family, this.moments[this.count - 1]);
  }
  // --- playing
  get playing() {
    return this.frame !== 0;
  }
  play() {
    if (this.count >= this.moments.length) this.show(0);
    this.before = null;
    this.frame = requestAnimationFrame((now) => this.tick(now));
    this.label();
  }
  stop() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    if (this.run) this.label();
  }
  rest() {
    this.stop();
    this.show(this.count, { announce: true });
    this.save();
  }
  save() {
    this.model.set("moment", this.count);
    this.model.save_changes();
  }
  label() {
    this.parts.play.textContent = this.playing ? "Pause" : "Play";
  }
  tick(now) {
    const passed = this.before === null ? 0 : Math.min((now - this.before) / 1000, 0.25);
    this.before = now;
    this.at += passed * Number(this.parts.speed.value);
    let told = this.count;
    while (this.count < this.moments.length && this.schedule[this.count].end <= this.at) {
      this.state.seek(this.moments[this.count].end);
      this.count += 1;
    }
    if (told !== this.count) this.tell(this.count);
    if (this.count >= this.moments.length) return this.rest();
    this.paintBetween();
    this.frame = requestAnimationFrame((next) => this.tick(next));
  }
  // In the middle of moment `count`: the pause before it, in which work goes on, then its own motion.
  paintBetween() {
    const moment = this.moments[this.count], { from, begin, end } = this.schedule[this.count], last = this.timeAt(this.count);
    const waited = begin > from ? Math.min(1, (this.at - from) / (begin - from)) : 1;
    const time = last + (moment.time - last) * waited;
    const part = this.at <= begin ? 0 : Math.min(1, (this.at - begin) / (end - begin));
    this.paint(time, part && !this.still.matches ? this.motion(moment, part) : { dots: [], hide: new Set() });
  }
  motion(moment, part) {
    const { picture, run } = this, d = run.deliveries, hide = new Set(), dots = [];
    const between = (a, b, f) => [a[0] + (b[0] - a[0]) * f, a[1] + (b[1] - a[1]) * f];
    if (moment.kind === KIND.published) {
      const from = picture.sourceOf(moment.row), hub = [BUS.x + BUS.width / 2, from[1]];
      if (part < 0.5) dots.push({ message: moment.row, at: between(from, hub, part * 2), word: "is on its way to the bus" });
      else for (const row of moment.copies) {
        const g = d.group[row], place = this.state.groups[g].queue.length, twin = this.state.duplicated.has(row);
        const start = [BUS.x + BUS.width / 2, picture.groups[g].y];
        dots.push({ message: moment.row, at: between(start, picture.inQueue(g, place), part * 2 - 1), twin, word: "is on its way to a queue" });
      }
    } else if (moment.kind === KIND.started) {
      const g = d.group[moment.row];
      hide.add(moment.row);
      const twin = this.state.duplicated.has(moment.row);
      dots.push({ message: d.message[moment.row], twin, at: between(picture.inQueue(g, 0), picture.atWorker(g, d.worker[moment.row]), part), word: "is taken up" });
    }
    return { dots, hide };
  }
  // --- what a person does
  do(action) {
    if (action === "play") return this.playing ? this.rest() : this.play();
    const to = { first: 0, back: this.count - 1, step: this.count + 1, last: this.moments.length }[action];
    this.stop();
    this.show(Math.max(0, Math.min(to, this.moments.length)), { announce: true });
    this.save();
  }
  choose(message) {
    const again = this.family?.message === message; // choosing it once more lets it go
    this.family = again ? null : familyOf(this.run, message);
    this.parts.number.value = again ? "" : message + 1;
    this.parts.story.textContent = again ? "" : storyOf(this.run, this.family);
    if (!this.playing) this.show(this.count);
  }
  openTranscript() {
    const { sentences } = this.run, rest = sentences.length - MOST_LINES;
    this.parts.lines.textContent = sentences.slice(0, MOST_LINES).join("\n") + (rest > 0 ? `\n... and ${rest} more lines: print(bus.trace.transcript())` : "");
  }
  listen() {
    const { root, parts } = this;
    for (const button of root.querySelectorAll("button")) button.addEventListener("click", () => this.do(button.dataset.do));
    parts.scrub.addEventListener("input", () => {
      this.stop();
      this.show(Number(parts.scrub.value));
    });
    parts.scrub.addEventListener("change", () => {
      this.show(this.count, { announce: true });
      this.save();
    });
    parts.number.addEventListener("change", () => {
      const message = Number(parts.number.value) - 1;
      if (parts.number.value !== "" && Number.isInteger(message) && message >= 0 && message < this.run.messages.type.length) {
        this.family = null;
        this.choose(message);
      } else {
        this.family = null;
        parts.story.textContent = parts.number.value === "" ? "" : `There is no such message: give a number from 1 to ${this.run.messages.type.length}.`;
        this.show(this.count);
      }
    });
    parts.transcript.addEventListener("toggle", () => parts.transcript.open && this.openTranscript());
    root.addEventListener("keydown", (event) => this.key(event));
  }
  key(event) {
    const field = event.target.closest?.("input, select, summary, pre");
    const key = { " ": "play", ArrowLeft: "back", ArrowRight: "step", Home: "first", End: "last" }[event.key];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (field) return;
      this.picture.walk(event.key === "ArrowDown" ? 1 : -1);
    } else if (!key || field || (key === "play" && event.target.closest?.("button, [role=button]"))) {
      return event.stopPropagation();
    } else this.do(key);
    event.preventDefault();
    event.stopPropagation();
  }
}

function render({ model, el }) {
  const root = document.createElement("div");
  el.replaceChildren(root);
  const player = new Player(model, root);
  const load = () => player.load();
  const jump = () => player.playing || player.count === model.get("moment") || player.show(Math.max(0, Math.min(model.get("moment"), player.moments.length)));
  model.on("change:run", load);
  model.on("change:moment", jump);
  return () => {
    player.stop();
    model.off("change:run", load);
    model.off("change:moment", jump);
  };
}
export default { render };
