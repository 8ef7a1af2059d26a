#include "ud2m_allocations.h"

#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

#if defined(__GLIBC__) && !defined(HAS_SANITIZER)

extern void *__libc_malloc(size_t size);

static _Thread_local int64_t count;

void *malloc(size_t size) {
    count++;
    return __libc_malloc(size);
}

int64_t ud2m_allocations(void) { return count; }

#else

int64_t ud2m_allocations(void) { return -1; }

#endif
