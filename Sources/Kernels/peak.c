#include "operators.h"

#include <stdatomic.h>

enum { ROUNDS = 1 << 20, ITEMS_PER_THREAD = 8, SINK_FLOATS = 16 };

typedef struct multiply_add_job {
    const operator_table *operators;
    _Atomic double operations;
} multiply_add_job;

static void multiply_add_item(void *context, int64_t index, int32_t worker) {
    (void)worker;
    multiply_add_job *job = context;
    float sink[SINK_FLOATS];
    for (int i = 0; i < SINK_FLOATS; i++)
        sink[i] = 1 - 0x1p-12f * (float)(index + i);
    job->operations += job->operators->multiply_add(ROUNDS, sink);
}

double ud2m_multiply_add_run(ud2m_pool *pool) {
    multiply_add_job job = {.operators = operators_of(pool)};
    ud2m_pool_run(pool, (int64_t)ud2m_pool_threads(pool) * ITEMS_PER_THREAD, multiply_add_item, &job);
    return job.operations;
}
