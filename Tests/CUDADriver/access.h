#pragma once
// Every access of a warp to memory passes here: bounds, alignment, unwritten bytes, and races in shared memory.
#include "warp.h"

namespace testdriver {

enum class Space : uint8_t { generic, global, shared, local, parameter };
/// `issue` is a write of cp.async: the bytes are in flight until `complete`.
enum class Access : uint8_t { read, write, update, issue, complete };

/// Where the `size` bytes at each lane's address lie on the host, once everything was checked and noted. Writes are
/// noted as done: the caller does them.
void resolve(Warp &warp, Space space, const uint64_t *addresses, uint32_t mask, unsigned size, Access access,
             uint8_t **pointers);

/// "thread (1,0,0)"
std::string thread_name(const Warp &warp, unsigned lane);

} // namespace testdriver
