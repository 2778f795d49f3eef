/**
 * The keyboard of a phone lies over the page: what is typed has to stay in sight.
 *
 * Browsers then say so by a smaller visual viewport; the page is made as high as that.
 */

/** What is less is a browser's own bar that comes and goes. */
const LEAST_PX = 120;

/**
 * @param {{height: number, scale: number}} seen the visual viewport
 * @param {number} whole height of the window
 * @returns {number} what is left above a keyboard; 0: there is none.  Pure.
 */
export function heightAbove({ height, scale }, whole) {
  const isZoomed = Math.abs(scale - 1) > 0.01; // then a small part is what was wished
  return !isZoomed && whole - height >= LEAST_PX ? Math.floor(height) : 0;
}

/** @param {HTMLElement} root that gets the height, and a mark while there is a keyboard */
export function watchKeyboard(root) {
  const viewport = window.visualViewport;
  if (!viewport) return;
  const look = () => {
    const height = heightAbove(viewport, window.innerHeight);
    root.toggleAttribute("data-keyboard", height > 0);
    if (!height) root.style.removeProperty("--seen");
    else {
      root.style.setProperty("--seen", `${height}px`);
      window.scrollTo(0, 0); // browsers push the page up to show the field
    }
  };
  viewport.addEventListener("resize", look);
  viewport.addEventListener("scroll", look);
  look();
}
