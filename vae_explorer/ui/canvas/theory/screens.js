// The screens by their names in links.

import { BayesScreen } from "./screens/bayes.js";
import { BitsScreen } from "./screens/bits.js";
import { GradientScreen } from "./screens/gradient.js";
import { IdentityScreen } from "./screens/identity.js";
import { IwaeScreen } from "./screens/iwae.js";
import { KlScreen } from "./screens/kl.js";
import { LikelihoodScreen } from "./screens/likelihood.js";
import { MleScreen } from "./screens/mle.js";
import { ReparameterizationScreen } from "./screens/reparameterization.js";
import { RingScreen } from "./screens/ring.js";
import { SigmaScreen } from "./screens/sigma.js";

/** @type {Record<string, new (stage: import("./stage.js").Stage) => import("./stage.js").TheoryScreen>} */
export const SCREENS = {
  bayes: BayesScreen,
  bits: BitsScreen,
  gradient: GradientScreen,
  identity: IdentityScreen,
  iwae: IwaeScreen,
  kl: KlScreen,
  likelihood: LikelihoodScreen,
  mle: MleScreen,
  reparameterization: ReparameterizationScreen,
  ring: RingScreen,
  sigma: SigmaScreen,
};
