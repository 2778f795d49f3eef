/**
 * How far each of the caller's utterances has got on its way to the telephone.  Pure.
 *
 * Theory of operation.  The server says when an utterance is being played (`playback`),
 * when the rest of it waits, goes on, is given up or left out (`unheard`), and nothing
 * when it has simply been played to its end; so playback that stops for a while means
 * that what there was has been heard.  A cut is provisional at first: the other side may
 * only have said "mhm".  It is shown when it is confirmed or lasts, so that the page stays
 * calm.  While there is no connection nothing is known; what was under way then is unsure
 * until there is news of it.
 *
 * Times are milliseconds of any one clock and are given to every method.
 */

/**
 * @typedef {"" | "waiting" | "playing" | "heard" | "held" | "resumed" | "discarded" | "lost"
 *   | "repeating" | "unsure" | "cut"} Fate
 *
 * @typedef {object} Utterance
 * @property {string} id
 * @property {string} text in the caller's language
 * @property {string} translation
 * @property {Fate} fate
 * @property {Fate} before what it was when saying it again was asked for
 * @property {number} since when this fate began
 * @property {number} heardMs how much of it was heard; never less than before
 * @property {boolean} isConfirmed a cut that is more than a "mhm"
 * @property {boolean} isAsked the caller wants it left out
 * @property {boolean} isDismissed the caller has seen it and lets it be
 *
 * @typedef {"playback" | "quiet" | "held" | "resumed" | "spoken" | "discarded" | "lost"
 *   | "repeat" | "gap" | "end"} Cue
 */

/** Reports come every 200 ms while something plays; a pause between sentences is shorter. */
export const QUIET_MS = 1500;
/** Older cuts are interruptions: the server decides within 600 ms. */
export const CUT_SHOWN_MS = 700;
/** So long news may take after a reconnection. */
export const UNSURE_SHOWN_MS = 5000;

/** @type {Fate[]} */
const UNDER_WAY = ["waiting", "playing", "held", "resumed", "repeating"];

/**
 * What each cue makes of a fate; one that is not listed stays.  Reports of playback that
 * arrive after the cut change nothing: they are late, not new.
 * @type {Record<Cue, Partial<Record<Fate, Fate>> | Fate>}
 */
const NEXT = {
  playback: {
    "": "playing",
    waiting: "playing",
    heard: "playing",
    unsure: "playing",
    repeating: "playing",
  },
  quiet: { playing: "heard" },
  held: "held",
  resumed: "resumed",
  spoken: "heard",
  discarded: "discarded",
  lost: "lost",
  repeat: {
    "": "repeating",
    waiting: "repeating",
    playing: "repeating",
    heard: "repeating",
    resumed: "repeating",
    discarded: "repeating",
    lost: "repeating",
    unsure: "repeating",
  },
  gap: Object.fromEntries(UNDER_WAY.map((fate) => [fate, "unsure"])),
  end: { waiting: "lost", held: "lost", repeating: "lost", playing: "cut", resumed: "cut" },
};

export class Delivery {
  constructor() {
    /** In the order in which they were said. @type {Map<string, Utterance>} */
    this.utterances = new Map();
  }

  // --- What happens ------------------------------------------------------------------

  /**
   * The caller said something, or more of it is known.
   * @param {{utterance_id: string, original?: string, translation?: string,
   *   original_final?: boolean, translation_final?: boolean}} caption
   * @param {number} now
   */
  said(caption, now) {
    const isKnown = this.utterances.has(caption.utterance_id);
    const utterance = this.find(caption.utterance_id, now);
    utterance.text = caption.original || utterance.text;
    utterance.translation = caption.translation || utterance.translation;
    // One that is complete at first sight is of the past: nothing is known about it.
    const isOld = caption.original_final && caption.translation_final;
    if (!isKnown && !isOld) utterance.fate = "waiting";
  }

  /**
   * @param {string} id
   * @param {number} playedMs
   * @param {number} now
   */
  played(id, playedMs, now) {
    const utterance = this.find(id, now);
    this.move(utterance, "playback", now);
    utterance.heardMs = Math.max(utterance.heardMs, playedMs);
    if (utterance.fate === "playing") utterance.since = now;
  }

  /**
   * @param {{utterance_id: string, text?: string, translation?: string, state: string}} message
   * @param {number} now
   */
  unheard({ utterance_id: id, text, translation, state }, now) {
    const utterance = this.find(id, now);
    utterance.text = text || utterance.text;
    utterance.translation = translation || utterance.translation;
    if (!["held", "resumed", "spoken", "discarded", "lost"].includes(state)) return;
    this.move(utterance, /** @type {Cue} */ (state), now);
    if (state === "spoken") this.letOldOnesBe(id);
  }

  /** Nobody has said this: it was noise. @param {string} id */
  forget(id) {
    this.utterances.delete(id);
  }

  /** The other side has taken the floor. */
  interrupted() {
    for (const utterance of this.utterances.values()) {
      if (utterance.fate === "held") utterance.isConfirmed = true;
    }
  }

  /** @param {number} now */
  tick(now) {
    for (const utterance of this.utterances.values()) {
      if (utterance.fate !== "playing" || now - utterance.since < QUIET_MS) continue;
      this.move(utterance, "quiet", now);
      this.letOldOnesBe(utterance.id);
    }
  }

  /** There is a connection again: what happened meanwhile is not known. @param {number} now */
  reconnected(now) {
    for (const utterance of this.utterances.values()) this.move(utterance, "gap", now);
  }

  /** The call is over. @param {number} now */
  ended(now) {
    for (const utterance of this.utterances.values()) this.move(utterance, "end", now);
  }

  // --- What the caller wants ---------------------------------------------------------

  /**
   * @param {string} id
   * @param {number} now
   */
  repeat(id, now) {
    const utterance = this.find(id, now);
    utterance.isAsked = false;
    utterance.isDismissed = false;
    if (utterance.fate !== "repeating") utterance.before = utterance.fate;
    this.move(utterance, "repeat", now);
  }

  /** The server has not kept what was to be said again. @param {number} now */
  refused(now) {
    for (const utterance of this.utterances.values()) {
      if (utterance.fate !== "repeating") continue;
      utterance.fate = utterance.before;
      utterance.since = now;
    }
  }

  /**
   * @param {string} id
   * @returns {boolean} whether the server has to be told; else it was only to be seen
   */
  leaveOut(id) {
    const utterance = this.utterances.get(id);
    if (utterance === undefined) return false;
    if (utterance.fate === "held") utterance.isAsked = true;
    else utterance.isDismissed = true;
    return utterance.fate === "held";
  }

  // --- What is to be seen ------------------------------------------------------------

  /**
   * @param {Utterance} utterance
   * @param {number} now
   * @returns {Fate}
   */
  shown(utterance, now) {
    const ms = now - utterance.since;
    if (utterance.fate === "held" && !utterance.isConfirmed && ms < CUT_SHOWN_MS) {
      return utterance.heardMs ? "playing" : "waiting";
    }
    if (utterance.fate === "unsure" && ms < UNSURE_SHOWN_MS) return "waiting";
    return utterance.fate;
  }

  /**
   * What the other side has not heard and the caller can do something about.
   * @param {number} now
   * @returns {Utterance[]}
   */
  items(now) {
    return [...this.utterances.values()].filter((utterance) => {
      const fate = this.shown(utterance, now);
      if (utterance.isDismissed || utterance.isAsked) return false;
      return fate === "held" || fate === "lost" || fate === "unsure" || fate === "discarded";
    });
  }

  /**
   * @param {number} now
   * @param {boolean} isCalleeSpeaking
   * @returns {{name: string, heardMs: number} | null} null before anything was said
   */
  summary(now, isCalleeSpeaking) {
    const all = [...this.utterances.values()];
    const find = (/** @type {Fate} */ fate) => all.findLast((u) => this.shown(u, now) === fate);
    for (const fate of /** @type {Fate[]} */ (["held", "playing", "resumed", "repeating"])) {
      const utterance = find(fate);
      if (utterance) return { name: fate, heardMs: utterance.heardMs };
    }
    if (find("waiting")) {
      return { name: isCalleeSpeaking ? "waiting_for_them" : "waiting", heardMs: 0 };
    }
    if (this.items(now).length) return { name: "incomplete", heardMs: 0 };
    const last = latest(all.filter((utterance) => utterance.fate !== ""));
    if (last === undefined) return null;
    return { name: last.fate === "heard" ? "heard" : "settled", heardMs: 0 };
  }

  /**
   * @param {number} now
   * @returns {string | null} the last one not heard, or else the one of the latest news
   */
  toRepeat(now) {
    const item = this.items(now).at(-1);
    if (item) return item.id;
    const said = [...this.utterances.values()];
    const last = latest(said.filter((u) => u.fate !== "waiting" && u.fate !== "repeating"));
    return last?.id ?? null;
  }

  /** @param {number} now @returns {string | null} */
  toLeaveOut(now) {
    return this.items(now).at(-1)?.id ?? null;
  }

  // --- Inside ------------------------------------------------------------------------

  /**
   * @param {string} id
   * @param {number} now
   * @returns {Utterance}
   */
  find(id, now) {
    let utterance = this.utterances.get(id);
    if (utterance === undefined) {
      utterance = {
        id,
        text: "",
        translation: "",
        fate: "",
        before: "",
        since: now,
        heardMs: 0,
        isConfirmed: false,
        isAsked: false,
        isDismissed: false,
      };
      this.utterances.set(id, utterance);
    }
    return utterance;
  }

  /**
   * @param {Utterance} utterance
   * @param {Cue} cue
   * @param {number} now
   */
  move(utterance, cue, now) {
    const rule = NEXT[cue];
    const next = typeof rule === "string" ? rule : rule[utterance.fate];
    if (next === undefined || next === utterance.fate) return;
    if (next === "held") {
      utterance.isConfirmed = false;
      utterance.isAsked = false;
    }
    if (next === "lost") utterance.isAsked = false;
    utterance.fate = next;
    utterance.since = now;
  }

  /**
   * Once something newer was heard, what the caller talked over is of no interest.
   * @param {string} id
   */
  letOldOnesBe(id) {
    for (const utterance of this.utterances.values()) {
      if (utterance.id === id) return;
      if (utterance.fate === "discarded") utterance.isDismissed = true;
    }
  }
}

/**
 * @param {Utterance[]} utterances
 * @returns {Utterance | undefined}
 */
function latest(utterances) {
  return utterances.reduce(
    (last, utterance) => (last && last.since > utterance.since ? last : utterance),
    utterances[0],
  );
}

/** What a screen reader is told: one calm sentence at a time, nothing twice, nothing lost. */
export class Announcer {
  /** @param {number} gapMs between two announcements */
  constructor(gapMs) {
    this.gapMs = gapMs;
    this.last = -Infinity;
    /** @type {Map<string, string>} */
    this.pending = new Map();
  }

  /**
   * @param {string} about a later sentence about the same thing takes its place
   * @param {string} text
   */
  say(about, text) {
    this.pending.delete(about);
    if (text) this.pending.set(about, text);
  }

  /** @param {number} now @returns {string} what to say now, or "" */
  take(now) {
    if (!this.pending.size || now - this.last < this.gapMs) return "";
    this.last = now;
    const text = [...this.pending.values()].join(" ");
    this.pending.clear();
    return text;
  }
}
