#pragma once

#include <stdatomic.h>
#include <stdint.h>

#if !defined(__linux__)
#include <pthread.h>
#endif

/// A word threads can sleep on until its value changes: a futex on Linux, a condition variable elsewhere.
typedef struct wait_word {
    _Alignas(64) _Atomic uint32_t value;
    /// Threads asleep or about to be, so that waking nobody costs no system call.
    _Atomic uint32_t sleepers;
#if !defined(__linux__)
    pthread_mutex_t mutex;
    pthread_cond_t condition;
#endif
} wait_word;

void wait_init(wait_word *word);
void wait_destroy(wait_word *word);

/// Returns once `value` differs from `expected`: spins `spins` times, then sleeps.
void wait_while(wait_word *word, uint32_t expected, int32_t spins);

/// Wakes every sleeper. Call after the value has been changed.
void wait_wake(wait_word *word);
