// The worker, with something done to its surroundings first: the query says what.

import "/hooks.js";
import "/flantune/worker.js";
