// A canvas to draw on.

/**
 * Returns a canvas's 2-D context, which every browser has.
 * @param {HTMLCanvasElement} canvas @param {CanvasRenderingContext2DSettings} [settings]
 */
export function contextOf(canvas, settings) {
  const context = canvas.getContext("2d", settings);
  if (!context) throw new Error("This browser draws on no canvas.");
  return context;
}
