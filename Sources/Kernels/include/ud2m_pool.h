#pragma once
#include "ud2m_isa.h"

/// @file
/// Pool of compute threads.

#ifdef __cplusplus
extern "C" {
#endif

/// Fixed set of threads that run one parallel loop at a time. A null pool is valid everywhere and means "the calling
/// thread alone".
typedef struct ud2m_pool ud2m_pool;

/// Body of a parallel loop: `index` counts items, `worker` in `0 ..< ud2m_pool_threads(pool)` names the thread, so it
/// can select scratch memory. Must not call `ud2m_pool_run` on the same pool.
typedef void (*ud2m_pool_body)(void *context, int64_t index, int32_t worker);

/// Number of processors this process may use: the affinity mask, lowered by a cgroup CPU quota (rounded up); at
/// least 1.
int32_t ud2m_available_processors(void);

/// Starts a pool whose loops use `threads` threads, the calling thread included; 0 means
/// `ud2m_available_processors()`. At most 256. Null if memory or threads run out.
ud2m_pool *ud2m_pool_create(int32_t threads);

/// Ends the threads of a pool that no call is using. Null is ignored.
void ud2m_pool_destroy(ud2m_pool *pool);

/// Threads of a pool; 1 for null.
int32_t ud2m_pool_threads(const ud2m_pool *pool);

/// Tier of the kernels called with a pool; `ud2m_isa_default()` for null.
ud2m_isa ud2m_pool_isa(const ud2m_pool *pool);

/// Makes later kernel calls with a pool use a tier; false, and no change, if it is not available. Not to be called
/// while a kernel runs on the pool.
bool ud2m_pool_select_isa(ud2m_pool *pool, ud2m_isa isa);

/// Calls `body` once for every index in `0 ..< count`, in no fixed order, and returns when all calls have. Items are
/// handed out one by one, so uneven items and busy processors balance. Callers on several threads take turns.
void ud2m_pool_run(ud2m_pool *pool, int64_t count, ud2m_pool_body body, void *context);

/// Multiply-adds in registers on all threads for some tens of milliseconds; gives the floating-point operations done.
/// Their rate is what products of matrices are compared with.
double ud2m_multiply_add_run(ud2m_pool *pool);

#ifdef __cplusplus
}
#endif
