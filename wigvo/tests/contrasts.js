/** Texts in the captions whose contrast with what is behind them is below a limit. */
(limit) => {
  const channel = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) =>
    0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
  const colour = (text) => (text.match(/[\d.]+/g) ?? []).map(Number);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, a = 1] = colour(getComputedStyle(at).backgroundColor);
      if (a > 0.99) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const low = [];
  const parts = "#captions-frame, .call__head, #call-hint, #call-notes, #unheard, #display-panel";
  for (const part of document.querySelectorAll(parts)) {
    const walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      if (!walker.currentNode.data.trim() || !element.getClientRects().length) continue;
      const [x, y] = [luminance(colour(getComputedStyle(element).color)), luminance(ground(element))];
      const ratio = (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
      if (ratio < limit) low.push(`${element.className || element.tagName} ${ratio.toFixed(2)}`);
    }
  }
  return [...new Set(low)];
}
