// Gives products.js the bytes of its product, which ui/canvas/modules.py puts there; to be imported before it.

import { readFileSync } from "node:fs";

globalThis.atob = () => readFileSync(new URL("../../vae_explorer/ui/canvas/product.wasm", import.meta.url)).toString("latin1");
