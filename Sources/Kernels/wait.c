#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "wait.h"

#if defined(__linux__)
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

static inline void spin_hint(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

void wait_init(wait_word *word) {
    atomic_init(&word->value, 0);
    atomic_init(&word->sleepers, 0);
#if !defined(__linux__)
    pthread_mutex_init(&word->mutex, NULL);
    pthread_cond_init(&word->condition, NULL);
#endif
}

void wait_destroy(wait_word *word) {
#if defined(__linux__)
    (void)word;
#else
    pthread_cond_destroy(&word->condition);
    pthread_mutex_destroy(&word->mutex);
#endif
}

void wait_while(wait_word *word, uint32_t expected, int32_t spins) {
    for (int32_t spin = 0; spin < spins; spin++) {
        if (atomic_load_explicit(&word->value, memory_order_acquire) != expected)
            return;
        spin_hint();
    }
    atomic_fetch_add(&word->sleepers, 1);
#if defined(__linux__)
    while (atomic_load(&word->value) == expected)
        syscall(SYS_futex, &word->value, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
#else
    pthread_mutex_lock(&word->mutex);
    while (atomic_load(&word->value) == expected)
        pthread_cond_wait(&word->condition, &word->mutex);
    pthread_mutex_unlock(&word->mutex);
#endif
    atomic_fetch_sub(&word->sleepers, 1);
}

void wait_wake(wait_word *word) {
    // Sequentially consistent: either this load sees the sleeper, or the sleeper sees the new value.
    if (atomic_load(&word->sleepers) == 0)
        return;
#if defined(__linux__)
    syscall(SYS_futex, &word->value, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
#else
    pthread_mutex_lock(&word->mutex);
    pthread_cond_broadcast(&word->condition);
    pthread_mutex_unlock(&word->mutex);
#endif
}
