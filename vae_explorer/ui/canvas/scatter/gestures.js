// Pointer, wheel and keyboard on one element, told apart into moves, clicks, pans and zooms. The mouse
// hovers and drags; one finger hovers, two pan and pinch.

/** A place in CSS px from the element's corner. @typedef {{x: number, y: number}} Pixel */

/**
 * What a gesture means.
 * @typedef {object} Gestures
 * @property {(p: Pixel) => void} move
 * @property {() => void} leave
 * @property {(p: Pixel) => void} click
 * @property {(dx: number, dy: number) => void} pan
 * @property {(factor: number, p: Pixel) => void} zoom
 * @property {() => void} reset
 * @property {(event: KeyboardEvent) => void} key
 */

const CLICK_SLACK = 4; // px that a click may wander
const DOUBLE = { ms: 350, px: 8 }; // two clicks this near are a double click, by mouse or by finger
const WHEEL_LINE = 16; // px that a wheel reports as one line

/**
 * Listens until the signal aborts.
 * @param {HTMLElement} element
 * @param {AbortSignal} signal
 * @param {Gestures} on
 */
export function listen(element, signal, on) {
  /** @type {Map<number, {now: Pixel, start: Pixel}>} */
  const pointers = new Map();
  let wandered = false;
  let last = { time: -Infinity, x: 0, y: 0 }; // the click before
  /** @param {MouseEvent} event */
  const where = (event) => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  /**
   * @template {keyof HTMLElementEventMap} T
   * @param {T} type @param {(event: HTMLElementEventMap[T]) => void} handler @param {AddEventListenerOptions} [options]
   */
  const add = (type, handler, options = {}) => element.addEventListener(type, handler, { signal, ...options });

  add("pointerdown", (event) => {
    if (event.button > 0) return;
    element.setPointerCapture(event.pointerId);
    if (pointers.size === 0) wandered = false;
    else wandered = true; // a second finger: this will not be a click
    pointers.set(event.pointerId, { now: where(event), start: where(event) });
    if (pointers.size > 1)
      on.leave(); // two fingers do not hover
    else if (event.pointerType === "touch") on.move(where(event));
  });

  add("pointermove", (event) => {
    const pointer = pointers.get(event.pointerId);
    const now = where(event);
    if (!pointer) return on.move(now);
    const before = pointer.now;
    if (Math.hypot(now.x - pointer.start.x, now.y - pointer.start.y) > CLICK_SLACK) wandered = true;
    if (!wandered) return;
    const [other] = [...pointers.values()].filter((each) => each !== pointer).map((each) => each.now);
    pointer.now = now;
    if (!other && event.pointerType === "touch") return on.move(now);
    if (!other) return on.pan(now.x - before.x, now.y - before.y);
    /** @param {Pixel} p */
    const spread = (p) => Math.max(8, Math.hypot(p.x - other.x, p.y - other.y));
    on.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
    on.zoom(spread(now) / spread(before), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
  });

  add("pointerup", (event) => {
    if (!pointers.delete(event.pointerId)) return;
    if (event.pointerType === "touch") on.leave();
    if (wandered || pointers.size > 0) return;
    const at = where(event);
    const double = event.timeStamp - last.time < DOUBLE.ms && Math.hypot(at.x - last.x, at.y - last.y) < DOUBLE.px;
    last = double ? { time: -Infinity, x: 0, y: 0 } : { time: event.timeStamp, ...at };
    if (double) on.reset();
    else on.click(at);
  });
  add("pointercancel", (event) => pointers.delete(event.pointerId) && on.leave()); // the page scrolls instead
  add("pointerleave", () => on.leave());
  add("keydown", (event) => on.key(event));
  add(
    "wheel",
    (event) => {
      event.preventDefault();
      const px = event.deltaMode === 1 ? event.deltaY * WHEEL_LINE : event.deltaY;
      const speed = event.ctrlKey ? 0.01 : 0.0015; // a trackpad's pinch arrives as ctrl + small steps
      on.zoom(Math.exp(-Math.max(-240, Math.min(240, px)) * speed), where(event));
    },
    { passive: false },
  );
}
