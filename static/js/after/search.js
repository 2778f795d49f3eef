/** Finding words in what was said.  Pure. */

/**
 * Make texts comparable: case, accents and kinds of spaces do not matter.
 * As long as the text itself, letter by letter, so that places stay the same.
 *
 * @param {string} text
 */
export function folded(text) {
  return Array.from(text, (letter) => {
    const plain = letter.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
    const whole = plain.normalize("NFC");
    return whole.length === letter.length ? whole : letter.toLowerCase().slice(0, letter.length).padEnd(letter.length);
  })
    .join("")
    .replace(/\s/g, " ");
}

/**
 * Find where a text holds the words that are looked for.
 *
 * @param {string} text
 * @param {string} wanted - several words: each counts
 * @returns {[number, number][] | null} places from and to, in order, without overlaps;
 *   null if a word is missing
 */
export function find(text, wanted) {
  const words = folded(wanted).split(" ").filter(Boolean);
  const where = folded(text);
  /** @type {[number, number][]} */
  const found = [];
  for (const word of words) {
    let at = where.indexOf(word);
    if (at < 0) return null;
    for (; at >= 0; at = where.indexOf(word, at + word.length)) {
      found.push([at, at + word.length]);
    }
  }
  found.sort((a, b) => a[0] - b[0] || b[1] - a[1]);
  /** @type {[number, number][]} */
  const apart = [];
  for (const [from, to] of found) {
    const last = apart.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else apart.push([from, to]);
  }
  return apart;
}
