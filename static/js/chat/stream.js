/**
 * Read a stream of server-sent events.  Pure: text in, events out.
 *
 * @typedef {{name: string, data: unknown}} ChatEvent
 */

export class EventReader {
  #rest = "";

  /**
   * @param {string} text what has arrived, cut anywhere
   * @returns {ChatEvent[]} what is complete
   */
  feed(text) {
    const blocks = (this.#rest + text.replaceAll("\r\n", "\n")).split("\n\n");
    this.#rest = blocks.pop() ?? "";
    return blocks.map(parse).filter((event) => event !== null);
  }
}

/**
 * @param {string} block
 * @returns {ChatEvent | null}
 */
function parse(block) {
  let name = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) name = line.slice(6).trim();
    if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
  }
  if (!data.length) return null;
  try {
    return { name, data: JSON.parse(data.join("\n")) };
  } catch {
    return null;
  }
}

/**
 * Cut a text into the lines of a paragraph.
 *
 * @param {string} text
 * @returns {string[]}
 */
export function lines(text) {
  return text.split("\n");
}
