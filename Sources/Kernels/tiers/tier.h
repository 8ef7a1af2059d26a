#pragma once

// Headers of every tier, included before its instruction set is switched on.

#include "../attention_plan.h"
#include "../element.h"
#include "../moments.h"
#include "../operators.h"
#include "../stored_kernel.h"
#include <stdatomic.h>
#include <string.h>
