/** What is wrong with what a page shows now: axe's violations, and scrolling sideways. */
async ({ part, ...options }) => {
  const wrong = [];
  const moving = document.getAnimations().filter((one) =>
    Number.isFinite(one.effect?.getComputedTiming().endTime));
  await Promise.allSettled(moving.map((one) => one.finished));
  const { clientWidth, scrollWidth } = document.documentElement;
  if (scrollWidth > clientWidth) {
    const wide = [...document.querySelectorAll("body *")]
      .filter((one) => one.getBoundingClientRect().right > clientWidth + 1)
      .map((one) => `${one.tagName}.${one.className}`);
    wrong.push(`scrolls sideways to ${scrollWidth}: ${wide.slice(-3)}`);
  }
  const { violations } = await axe.run(part || document, options);
  for (const { id, nodes } of violations) {
    for (const { target, failureSummary } of nodes) {
      const why = failureSummary.split("\n").slice(1, 3).map((line) => line.trim());
      wrong.push(`axe ${id}: ${target.join(" ")}: ${why.join("; ")}`);
    }
  }
  return wrong;
}
