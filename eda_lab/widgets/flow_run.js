// What a trace says, replayed: moments (what a reader can name), and the state of the shop after each of them.
// It draws nothing; `flow_draw.js` does. All text in it is data, and is only ever shown as text.

const KIND = { published: 0, queued: 1, started: 2, ended: 3, noted: 4, acked: 5 };
const OUTCOME = { queued: 1, done: 3, failed: 4, crashed: 5, dead: 6, dropped: 7, lost: 8, rejected: 9, expired: 10 };
const ENDS = Object.fromEntries(Object.entries(OUTCOME).map(([word, number]) => [number, word]));
const kindOf = (entry) => entry % 8, rowOf = (entry) => Math.floor(entry / 8);

// A run's log as moments: a publication together with the queueing of its copies; everything else by itself.
function momentsOf(run) {
  const moments = [], { message, queued } = run.deliveries, acked = new Map(run.acked.row.map((row, i) => [row, run.acked.time[i]]));
  run.log.forEach((entry, index) => {
    const kind = kindOf(entry), row = rowOf(entry), last = moments.at(-1);
    if (kind === KIND.queued && last?.kind === KIND.published && message[row] === last.row && queued[row] === last.time) {
      last.copies.push(row);
      last.end = index + 1;
    } else {
      moments.push({ kind, row, start: index, end: index + 1, time: timeOf(run, kind, row, acked), copies: [] });
    }
  });
  return moments;
}

function timeOf(run, kind, row, acked) {
  const d = run.deliveries;
  return kind === KIND.acked ? acked.get(row) : [run.messages.time, d.queued, d.started, d.ended, run.notes.time][kind][row];
}

// How long each moment is shown, in seconds of display at speed 1: a pause as long as the gap before it asks for, then
// its own motion. Things that happen at one simulated instant are shown one after the other.
function scheduleOf(moments, longest = 60) {
  const motion = [0.9, 0.3, 0.35, 0.35, 0.5, 0.35];
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

// The state after some of the log: who waits where, who works on what, who is down, and the counts.
class State {
  constructor(run) {
    const { message, group } = run.deliveries;
    this.run = run;
    this.redriven = new Set(run.redriven);
    this.duplicated = new Set(run.duplicated);
    this.held = new Set(run.held);
    this.late = new Map(); // message -> its copies that are on their way for a while
    for (const row of run.late) this.late.set(message[row], [...(this.late.get(message[row]) ?? []), { row, group: group[row] }]);
    this.taken = new Map(); // attempt -> where in the log it left the queue
    run.log.forEach((entry, index) => [KIND.started, KIND.ended].includes(kindOf(entry)) && this.leave(rowOf(entry), index));
    this.reset();
  }
  leave(row, index) {
    if (!this.taken.has(row)) this.taken.set(row, index);
  }
  reset() {
    this.applied = 0;
    this.acked = new Set(); // the attempts that were acked and are still worked on
    this.producers = this.run.producers.map(() => ({ published: 0, down: false }));
    this.groups = this.run.groups.map((group) => ({
      queue: [], waiting: [], coming: new Set(), duplicates: 0,
      done: 0, failed: 0, crashed: 0, dead: 0, dropped: 0, lost: 0, rejected: 0, expired: 0,
      workers: group.workers.map(() => ({ row: -1, held: -1, state: "up", factor: 1 })),
    }));
  }
  // Go to just before log entry `index`; going back replays from the start, which takes a millisecond or two.
  seek(index) {
    if (index < this.applied) this.reset();
    while (this.applied < index) this.apply(this.run.log[this.applied++]);
  }
  apply(entry) {
    const kind = kindOf(entry), row = rowOf(entry), d = this.run.deliveries;
    if (kind === KIND.published) return this.publish(row);
    if (kind === KIND.noted) return this.note(row);
    const group = this.groups[d.group[row]];
    if (kind === KIND.queued) {
      this.arrive(group, row, d);
      this.stand(group.queue, row);
    } else if (kind === KIND.started) {
      group.queue.splice(group.queue.indexOf(row), 1);
      group.workers[d.worker[row]].row = row;
    } else if (kind === KIND.acked) this.acked.add(row);
    else this.end(group, row, d);
  }
  publish(message) {
    const producer = this.run.producers.indexOf(this.run.sources[this.run.messages.source[message]]);
    if (producer >= 0) this.producers[producer].published += 1;
    for (const { row, group } of this.late.get(message) ?? []) this.groups[group].coming.add(row);
  }
  // An attempt has come to its group: it is on its way, waits for its retry, or lies in the dead letters no longer.
  arrive(group, row, d) {
    const before = (other) => d.message[other] === d.message[row] && d.attempt[other] === d.attempt[row] - 1;
    if (group.coming.delete(row)) group.duplicates += this.duplicated.has(row) ? 1 : 0;
    else if (this.redriven.has(row)) group.dead -= 1;
    else if (d.attempt[row] > 1) {
      const [failed] = group.waiting.splice(group.waiting.findIndex(before), 1);
      for (const worker of group.workers) if (worker.held === failed) worker.held = -1;
    }
    else if (this.duplicated.has(row)) group.duplicates += 1;
  }
  // It stands at the end of the queue; or at its head, as one sees when it is taken up before those that stood there.
  stand(queue, row) {
    const last = queue.at(-1), taken = this.run.deliveries.started[row] >= 0 && this.taken.get(row);
    if (queue.length && taken && taken < (this.taken.get(last) ?? Infinity)) queue.unshift(row);
    else queue.push(row);
  }
  end(group, row, d) {
    const place = group.queue.indexOf(row), worker = group.workers[d.worker[row]], outcome = ENDS[d.outcome[row]];
    if (place >= 0) group.queue.splice(place, 1);
    else if (!worker) this.arrive(group, row, d); // only to be dropped, or to find that it has expired
    if (worker?.row === row) Object.assign(worker, { row: -1, held: this.held.has(row) ? row : -1 });
    this.acked.delete(row);
    group[outcome] += 1;
    if (outcome === "failed" || outcome === "crashed") group.waiting.push(row);
  }
  note(row) {
    const { group, worker, producer, state, factor } = this.run.notes;
    if (producer[row] >= 0) this.producers[producer[row]].down = state[row] !== "up";
    const consumer = this.groups[group[row]]?.workers[worker[row]];
    if (consumer && state[row]) consumer.state = state[row];
    if (consumer && factor[row]) consumer.factor = factor[row];
  }
}
