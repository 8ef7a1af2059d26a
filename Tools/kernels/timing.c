// For the clock.
#define _POSIX_C_SOURCE 200809L

#include "problem.h"

#include <stdlib.h>
#include <time.h>

enum { LEAST_REPEATS = 5, MOST_REPEATS = 100 };

/// Seconds after which a case is not repeated further.
static const double enough_seconds = 0.5;

double seconds_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int ascending(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

ud2m_timing ud2m_time_case(const ud2m_case *a_case, ud2m_variant variant, ud2m_pool *pool) {
    ud2m_timing timing = {0};
    double seconds[MOST_REPEATS], total = 0;
    problem p;
    // The first run warms up.
    if (problem_make(&p, a_case, variant, ud2m_pool_threads(pool), 1, false) && problem_run(&p, pool) == UD2M_STATUS_OK) {
        while (timing.repeats < LEAST_REPEATS || (timing.repeats < MOST_REPEATS && total < enough_seconds)) {
            double begin = seconds_now();
            problem_run(&p, pool);
            seconds[timing.repeats] = seconds_now() - begin;
            total += seconds[timing.repeats++];
        }
        qsort(seconds, timing.repeats, sizeof *seconds, ascending);
        timing.median = (seconds[(timing.repeats - 1) / 2] + seconds[timing.repeats / 2]) / 2;
        timing.least = seconds[0];
        timing.operations = p.operations;
        timing.bytes = p.bytes;
    }
    problem_free(&p);
    return timing;
}

/// The one function in which callgrind counts (`--toggle-collect`): it must stay a function of its own.
__attribute__((noinline)) ud2m_status ud2m_counted_run(problem *p, ud2m_pool *pool);

__attribute__((noinline)) ud2m_status ud2m_counted_run(problem *p, ud2m_pool *pool) { return problem_run(p, pool); }

ud2m_status ud2m_run_once(const ud2m_case *a_case, ud2m_variant variant) {
    problem p;
    ud2m_status status = UD2M_STATUS_INVALID;
    // A null pool is the calling thread with the default tier.
    if (problem_make(&p, a_case, variant, 1, 1, false))
        status = ud2m_counted_run(&p, NULL);
    problem_free(&p);
    return status;
}
