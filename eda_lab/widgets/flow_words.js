// What the player says in words: how things end, the counts of a group, what is the matter with it, a message's story.
// All of it is data, and is only ever shown as text.

const WORDS = {
  done: "acked ✓", failed: "failed ✗", crashed: "crashed ✗", dead: "dead letter ✗", dropped: "dropped ✗",
  lost: "lost ✗", rejected: "rejected ✗", expired: "expired ✗",
};

// How attempts ended that were or will be tried again, and how copies ended for good or go another way.
const ATTEMPTS = { done: "done", failed: "failed", crashed: "crashed", retrying: "retrying" };
const COPIES = {
  dead: "dead letters", lost: "lost", rejected: "rejected", expired: "expired", dropped: "dropped",
  duplicates: "duplicates", coming: "on the way",
};

function countsOf(group, words) {
  const numbers = { ...group, retrying: group.waiting.length, coming: group.coming.size };
  return Object.entries(words).filter(([key]) => numbers[key] || key === "done").map(([key, word]) => `${word} ${numbers[key]}`).join(" · ");
}

function wordFor(run, row) {
  const end = ENDS[run.deliveries.outcome[row]];
  return end === "done" && run.acked.row.includes(row) ? "done ✓" : WORDS[end];
}

// In words, what is the matter with the workers of a group.
function statesOf(workers) {
  const said = (n, word) => `${workers.length === 1 ? "" : n === workers.length ? "all " : `${n} of ${workers.length} `}${word}`;
  const parts = ["down", "paused"].map((state) => [workers.filter((worker) => worker.state === state).length, state]);
  for (const [word, changed] of [["slow", workers.filter((w) => w.factor > 1)], ["quick", workers.filter((w) => w.factor < 1)]]) {
    const factor = changed[0]?.factor, same = changed.every((worker) => worker.factor === factor);
    parts.push([changed.length, same ? `${word}: ${factor} x as long` : word]);
  }
  parts.push([workers.filter((worker) => worker.held >= 0).length, "waiting to try again"]);
  const matters = parts.filter(([n]) => n).map(([n, word]) => said(n, word));
  return matters.length || workers.length <= MOST_WORKERS ? matters.join(" · ") : `${workers.length} consumers`;
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
