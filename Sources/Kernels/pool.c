#include "ud2m_pool.h"

#include "wait.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { MAXIMUM_THREADS = 256, SPINS = 2000 };

/// Set in `state` while threads may join the loop; the other bits count the threads that are in it.
#define OPEN 0x80000000u

struct ud2m_pool {
    /// Held by the caller whose loop runs.
    pthread_mutex_t turn;
    int32_t threads;
    int32_t spins;
    ud2m_isa isa;
    /// Incremented to start a loop or to stop the pool; workers sleep on it.
    wait_word signal;
    /// The caller sleeps on it until the last worker has left its loop.
    wait_word state;
    atomic_bool stopping;

    // The current loop. Written before OPEN is set, read by threads that joined, so never while it changes.
    ud2m_pool_body body;
    void *context;
    int64_t count;
    _Alignas(64) _Atomic int64_t next;

    pthread_t handles[MAXIMUM_THREADS];
};

typedef struct worker_start {
    ud2m_pool *pool;
    int32_t worker;
} worker_start;

static void take_items(ud2m_pool *pool, int32_t worker) {
    for (;;) {
        int64_t index = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (index >= pool->count)
            return;
        pool->body(pool->context, index, worker);
    }
}

/// Enters the open loop, if there is one. A worker that wakes late finds it closed and the caller never waits for it.
static bool join_loop(ud2m_pool *pool) {
    uint32_t state = atomic_load(&pool->state.value);
    while (state & OPEN)
        if (atomic_compare_exchange_weak(&pool->state.value, &state, state + 1))
            return true;
    return false;
}

static void *worker_main(void *argument) {
    worker_start start = *(worker_start *)argument;
    free(argument);
    ud2m_pool *pool = start.pool;
    uint32_t seen = 0;
    while (!atomic_load(&pool->stopping)) {
        wait_while(&pool->signal, seen, pool->spins);
        seen = atomic_load(&pool->signal.value);
        if (join_loop(pool)) {
            take_items(pool, start.worker);
            if (atomic_fetch_sub(&pool->state.value, 1) == 1)
                wait_wake(&pool->state);
        }
    }
    return NULL;
}

void ud2m_pool_run(ud2m_pool *pool, int64_t count, ud2m_pool_body body, void *context) {
    if (!pool || pool->threads == 1 || count <= 1) {
        for (int64_t index = 0; index < count; index++)
            body(context, index, 0);
        return;
    }
    pthread_mutex_lock(&pool->turn);
    pool->body = body;
    pool->context = context;
    pool->count = count;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    atomic_store(&pool->state.value, OPEN);
    atomic_fetch_add(&pool->signal.value, 1);
    wait_wake(&pool->signal);

    take_items(pool, 0);

    uint32_t inside = atomic_fetch_and(&pool->state.value, ~OPEN) & ~OPEN;
    while (inside) {
        wait_while(&pool->state, inside, pool->spins);
        inside = atomic_load(&pool->state.value);
    }
    pthread_mutex_unlock(&pool->turn);
}

int32_t ud2m_pool_threads(const ud2m_pool *pool) { return pool ? pool->threads : 1; }

ud2m_isa ud2m_pool_isa(const ud2m_pool *pool) { return pool ? pool->isa : ud2m_isa_default(); }

bool ud2m_pool_select_isa(ud2m_pool *pool, ud2m_isa isa) {
    if (!ud2m_isa_available(isa))
        return false;
    pool->isa = isa;
    return true;
}

static void stop_workers(ud2m_pool *pool, int32_t started) {
    atomic_store(&pool->stopping, true);
    atomic_fetch_add(&pool->signal.value, 1);
    wait_wake(&pool->signal);
    for (int32_t worker = 1; worker < started; worker++)
        pthread_join(pool->handles[worker], NULL);
    wait_destroy(&pool->signal);
    wait_destroy(&pool->state);
    pthread_mutex_destroy(&pool->turn);
    free(pool);
}

static bool start_worker(ud2m_pool *pool, int32_t worker) {
    worker_start *start = malloc(sizeof *start);
    if (!start)
        return false;
    *start = (worker_start){pool, worker};
    if (pthread_create(&pool->handles[worker], NULL, worker_main, start) == 0)
        return true;
    free(start);
    return false;
}

ud2m_pool *ud2m_pool_create(int32_t threads) {
    int32_t processors = ud2m_available_processors();
    if (threads <= 0)
        threads = processors;
    if (threads > MAXIMUM_THREADS)
        threads = MAXIMUM_THREADS;
    ud2m_pool *pool = aligned_alloc(_Alignof(ud2m_pool), sizeof *pool);
    if (!pool)
        return NULL;
    pool->threads = threads;
    pool->isa = ud2m_isa_default();
    // Spinning helps only if the thread waited for has a processor of its own.
    pool->spins = threads <= processors ? SPINS : 0;
    atomic_init(&pool->stopping, false);
    atomic_init(&pool->next, 0);
    pool->count = 0;
    pthread_mutex_init(&pool->turn, NULL);
    wait_init(&pool->signal);
    wait_init(&pool->state);
    for (int32_t worker = 1; worker < threads; worker++) {
        if (!start_worker(pool, worker)) {
            stop_workers(pool, worker);
            return NULL;
        }
    }
    return pool;
}

void ud2m_pool_destroy(ud2m_pool *pool) {
    if (pool)
        stop_workers(pool, pool->threads);
}
