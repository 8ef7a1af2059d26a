#pragma once
#include "program.h"
#include <functional>

namespace testdriver {

/// Reads the PTX of a module and decodes every kernel. `allocate(size, constant)` returns the address of device memory
/// for a variable; its content is left in `Module::variables`. Throws a Fault that names the line and the text of
/// anything that is not known.
std::unique_ptr<Module> parse(const std::string &source,
                              const std::function<uint64_t(uint64_t size, bool constant)> &allocate);

} // namespace testdriver
