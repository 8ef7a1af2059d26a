#include "check.h"

namespace check {
void instruction_tests() {}
} // namespace check
