// As much of a browser as a canvas needs: elements without a picture, frames that come when a test says so.

const frames = [];

/** A 2-D context that keeps what is put into it, and measures each letter as half of its size. */
function context(canvas) {
  const own = {
    canvas,
    createImageData: (width, height) => ({ width, height, data: new Uint8ClampedArray(4 * width * height) }),
    getImageData: (_x, _y, width, height) => own.createImageData(width, height),
    putImageData: (image) => (canvas.shown = image),
    measureText: (text) => ({ width: 6 * text.length }),
  };
  return new Proxy(own, { get: (kept, name) => (name in kept ? kept[name] : () => {}) });
}

export class FakeElement extends EventTarget {
  constructor(box = { left: 0, top: 0, width: 0, height: 0 }) {
    super();
    Object.assign(this, { box, width: 300, height: 150, style: {}, dataset: {}, children: [], textContent: "", captured: null });
  }

  getContext() {
    return (this.context ??= context(this));
  }

  getBoundingClientRect() {
    return this.box;
  }

  setPointerCapture(id) {
    this.captured = id;
  }

  append(...children) {
    this.children.push(...children);
  }

  setAttribute(name, value) {
    this[name] = value;
  }

  replaceChildren(...children) {
    this.children = children;
  }
}

/** Puts the page into the global scope. */
export function openPage() {
  Object.assign(globalThis, {
    window: { devicePixelRatio: 1 },
    document: { createElement: () => new FakeElement() },
    ResizeObserver: class {
      observe() {}
      disconnect() {}
    },
    requestAnimationFrame: (call) => frames.push(call),
    cancelAnimationFrame: (frame) => (frames[frame - 1] = null),
  });
}

/** Shows the next frame. */
export function nextFrame() {
  for (const call of frames.splice(0)) call?.(performance.now());
}

/** Sends an event of the pointer, the wheel or a key to an element. */
export function send(element, type, about = {}) {
  const event = new Event(type, { cancelable: true });
  const all = { button: 0, pointerId: 1, pointerType: "mouse", deltaMode: 0, ctrlKey: false, ...about };
  for (const [name, value] of Object.entries(all)) Object.defineProperty(event, name, { value });
  element.dispatchEvent(event);
  return event;
}
