/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load: what is there when the server starts.
 */
#pragma once

#include "options.h"

/** Everything the options ask for; the default namespaces too. false with the reason on stderr. */
bool load_all(const struct options *o);
