// What a trace says, replayed: moments (what a reader can name), and the state of the shop after each of them.
// It draws nothing; `flow_draw.js` does. All text in it is data, and is only ever shown as text.

const KIND = { published: 0, queued: 1, started: 2, ended: 3, noted: 4 };
const OUTCOME = { done: 3, failed: 4, crashed: 5, dead: 6, dropped: 7 };

// A run's log as moments: a publication together with the queueing of its copies; everything else by itself.
function momentsOf(run) {
  const moments = [];
  run.log.forEach((entry, index) => {
    const kind = entry % 8, row = (entry - kind) / 8;
    const last = moments.at(-1);
    if (kind === KIND.queued && last?.kind === KIND.published && run.deliveries.message[row] === last.row) {
      last.copies.push(row);
      last.end = index + 1;
    } else {
      moments.push({ kind, row, start: index, end: index + 1, time: timeOf(run, kind, row), copies: [] });
    }
  });
  return moments;
}

function timeOf(run, kind, row) {
  const d = run.deliveries;
  return [run.messages.time, d.queued, d.started, d.ended, run.notes.time][kind][row];
}

// How long each moment is shown, in seconds of display at speed 1: a pause as long as the gap before it asks for, then
// its own motion. Things that happen at one simulated instant are shown one after the other.
function scheduleOf(moments, longest = 60) {
  const motion = [0.9, 0.3, 0.35, 0.35, 0.5];
  const gaps = moments.map((m, i) => m.time - (i ? moments[i - 1].time : 0));
  const widest = Math.max(1, ...gaps);
  const shown = moments.map((m, i) => ({ pause: gaps[i] > 0 ? 0.15 + (1.2 * gaps[i]) / widest : 0, motion: motion[m.kind] }));
  const total = shown.reduce((sum, s) => sum + s.pause + s.motion, 0);
  const scale = Math.min(1, longest / Math.max(total, 1e-9));
  let at = 0;
  return shown.map(({ pause, motion: move }) => {
    const begin = at + pause * scale;
    const from = at;
    at = begin + move * scale;
    return { from, begin, end: at };
  });
}

// The state after some of the log: who waits where, who works on what, and the counts.
class State {
  constructor(run) {
    this.run = run;
    this.redriven = new Set(run.redriven);
    this.reset();
  }
  reset() {
    this.applied = 0;
    this.published = this.run.producers.map(() => 0);
    this.groups = this.run.groups.map((group) => ({
      queue: [], waiting: [], done: 0, failed: 0, dead: 0, dropped: 0,
      workers: group.workers.map(() => ({ row: -1, state: "up" })),
    }));
  }
  // Go to just before log entry `index`; going back replays from the start, which takes a millisecond or two.
  seek(index) {
    if (index < this.applied) this.reset();
    while (this.applied < index) this.apply(this.run.log[this.applied++]);
  }
  apply(entry) {
    const kind = entry % 8, row = (entry - kind) / 8, d = this.run.deliveries;
    if (kind === KIND.published) {
      const producer = this.run.producers.indexOf(this.run.sources[this.run.messages.source[row]]);
      if (producer >= 0) this.published[producer] += 1;
      return;
    }
    if (kind === KIND.noted) return this.note(row);
    const group = this.groups[d.group[row]];
    if (kind === KIND.queued) {
      group.waiting = group.waiting.filter((other) => d.message[other] !== d.message[row]);
      if (this.redriven.has(row)) group.dead -= 1;
      group.queue.push(row);
    } else if (kind === KIND.started) {
      group.queue.splice(group.queue.indexOf(row), 1);
      group.workers[d.worker[row]].row = row;
    } else {
      this.end(group, row, d);
    }
  }
  end(group, row, d) {
    const place = group.queue.indexOf(row);
    if (place >= 0) group.queue.splice(place, 1);
    if (d.worker[row] >= 0 && group.workers[d.worker[row]].row === row) group.workers[d.worker[row]].row = -1;
    const outcome = d.outcome[row];
    if (outcome === OUTCOME.done) group.done += 1;
    else if (outcome === OUTCOME.dead) group.dead += 1;
    else if (outcome === OUTCOME.dropped) group.dropped += 1;
    else {
      group.failed += 1;
      group.waiting.push(row);
    }
  }
  note(row) {
    const [who, what] = [this.run.notes.who[row], this.run.notes.what[row]];
    this.run.groups.forEach((group, g) => {
      const worker = group.workers.indexOf(who);
      if (worker >= 0) this.groups[g].workers[worker].state = what.replace("is ", "");
    });
  }
}

// The messages that led to a message, the first cause first, and those that it led to.
function familyOf(run, message) {
  const { cause } = run.messages, parent = run.deliveries.message, before = [], below = new Set([message]);
  for (let m = message; cause[m] >= 0; ) before.unshift((m = parent[cause[m]]));
  for (let m = message + 1; m < cause.length; m++) if (cause[m] >= 0 && below.has(parent[cause[m]])) below.add(m);
  below.delete(message);
  return { message, before, after: [...below], has: (m) => m === message || before.includes(m) || below.has(m) };
}

// The same in words.
function storyOf(run, family, most = 12) {
  const { types } = run, { type, id } = run.messages, name = (m) => `${m + 1} ${types[type[m]]}`;
  const list = (all) => all.slice(0, most).map(name).join(", ") + (all.length > most ? ` and ${all.length - most} more` : "");
  const parts = [`Message ${name(family.message)}, id ${id[family.message]}.`];
  if (family.before.length) parts.push(`It comes from ${list(family.before)}.`);
  parts.push(family.after.length ? `It led to ${list(family.after)}.` : "It led to no other message.");
  return [...parts, run.data[family.message] ?? ""].join(" ");
}
