#pragma once
#include <stdint.h>

/// Calls of `malloc` that the calling thread has made, from Swift's runtime too; -1 where they are not counted: anywhere
/// but on glibc, and under sanitizers, which have an allocator of their own.
///
/// A test program that links this target has its `malloc`, which counts and then calls glibc's.
int64_t ud2m_allocations(void);
