// The screens by their names in links.

import { KlScreen } from "./screens/kl.js";

/** @type {Record<string, new (stage: import("./stage.js").Stage) => import("./stage.js").TheoryScreen>} */
export const SCREENS = {
  kl: KlScreen,
};
