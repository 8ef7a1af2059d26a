#include "problem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAXIMUM_THREADS = 3, MAXIMUM_VARIANTS = 5 };

static const ud2m_isa vector_tiers[] = {UD2M_ISA_GENERIC, UD2M_ISA_AVX2, UD2M_ISA_AVX512, UD2M_ISA_NEON};

int32_t ud2m_case_variants(const ud2m_case *a_case, ud2m_element element, ud2m_variant *variants) {
    if (a_case->kind != UD2M_CASE_CONVOLUTION) {
        variants[0] = (ud2m_variant){.element = element};
        return 1;
    }
    int32_t count = 0;
    for (int algorithm = UD2M_CONV_DIRECT; algorithm <= UD2M_CONV_WINOGRAD4; algorithm++) {
        ud2m_variant variant = {.algorithm = (ud2m_conv_algorithm)algorithm, .element = element};
        ud2m_conv2d conv = conv_shape(a_case->convolution, variant);
        if (!ud2m_conv2d_supports(&conv))
            continue;
        variants[count++] = variant;
        variant.stored = true;
        if (algorithm != UD2M_CONV_DIRECT)
            variants[count++] = variant;
    }
    return count;
}

static double bound_of(const problem *p) {
    switch (p->what.kind) {
    case UD2M_CASE_CONVOLUTION:
        return p->variant.algorithm == UD2M_CONV_DIRECT      ? UD2M_BOUND_CONV_DIRECT
               : p->variant.algorithm == UD2M_CONV_WINOGRAD2 ? UD2M_BOUND_CONV_WINOGRAD2
                                                             : UD2M_BOUND_CONV_WINOGRAD4;
    case UD2M_CASE_TRANSPOSED:
        return UD2M_BOUND_CONV_DIRECT;
    case UD2M_CASE_ATTENTION:
        return UD2M_BOUND_ATTENTION * fmax(1, p->what.attention->gain / 6);
    case UD2M_CASE_GROUP_NORM:
        return UD2M_BOUND_GROUP_NORM * fmax(1, p->cancellation);
    case UD2M_CASE_POOLING:
        return UD2M_BOUND_POOLING;
    case UD2M_CASE_LINEAR:
        return UD2M_BOUND_LINEAR;
    }
    return 0;
}

/// Root of the mean squared difference over the root of the mean square of what is expected, or of what is typical if
/// that is more; infinite if any value is not finite.
static double normalised_error(const problem *actual, const problem *expected) {
    size_t floats = problem_output_floats(actual);
    double difference = 0, power = 0;
    for (int32_t block = 0; block < actual->output_count; block++)
        for (size_t i = 0; i < floats; i++) {
            double a = actual->outputs[block][i], e = expected->outputs[block][i];
            if (!isfinite(a) || !isfinite(e))
                return INFINITY;
            difference += (a - e) * (a - e);
            power += e * e;
        }
    double used = 0;
    for (size_t slot = 0; slot < actual->output_slots; slot++)
        used += actual->output_slots_used ? actual->output_slots_used[slot] : 1;
    double values = used * (double)(actual->output_pixels ? actual->output_pixels : 1);
    return sqrt(difference / fmax(power, expected->typical_power * values));
}

/// Whether two runs gave the same bits, moments included.
static bool outputs_equal(const problem *a, const problem *b) {
    if (a->variant.moments && a->what.kind == UD2M_CASE_CONVOLUTION &&
        memcmp(a->conv.moments, b->conv.moments, 2 * a->output_slots * sizeof(double)) != 0)
        return false;
    for (int32_t block = 0; block < a->output_count; block++)
        if (memcmp(a->outputs[block], b->outputs[block], problem_output_floats(a) * sizeof(float)) != 0)
            return false;
    return true;
}

static bool padding_is_zero(const problem *p) {
    for (size_t slot = 0; p->output_slots_used && slot < p->output_slots; slot++)
        for (size_t pixel = 0; !p->output_slots_used[slot] && pixel < p->output_pixels; pixel++)
            if (p->outputs[slot / UD2M_LANES][pixel * UD2M_LANES + slot % UD2M_LANES] != 0)
                return false;
    return true;
}

/// Whether a convolution's moments are the sums over its output, within a bound.
static bool moments_fit(const problem *p, double bound) {
    const double *moments = p->what.kind == UD2M_CASE_CONVOLUTION ? p->conv.moments : NULL;
    for (size_t slot = 0; moments && slot < p->output_slots; slot++) {
        double sum = 0, magnitude = 0, squares = 0;
        for (size_t pixel = 0; pixel < p->output_pixels; pixel++) {
            double x = p->outputs[slot / UD2M_LANES][pixel * UD2M_LANES + slot % UD2M_LANES];
            sum += x;
            magnitude += fabs(x);
            squares += x * x;
        }
        if (!(fabs(moments[2 * slot] - sum) <= bound * magnitude) ||
            !(fabs(moments[2 * slot + 1] - squares) <= bound * squares))
            return false;
    }
    return true;
}

static ud2m_pool *require_pool(int32_t threads, ud2m_isa isa) {
    ud2m_pool *pool = ud2m_pool_create(threads);
    if (pool && ud2m_pool_select_isa(pool, isa))
        return pool;
    fputs("cannot start a pool\n", stderr);
    exit(71);
}

/// Makes the problem and runs it on a new pool. Gives what went wrong, or null.
static const char *run_problem(problem *p, const ud2m_case *a_case, ud2m_variant variant, ud2m_isa tier,
                               int32_t threads, const ud2m_check_options *options) {
    if (!problem_make(p, a_case, variant, threads, options->seed, options->misaligned))
        return "the shape is not supported";
    ud2m_pool *pool = require_pool(threads, tier);
    ud2m_status status = problem_run(p, pool);
    ud2m_pool_destroy(pool);
    const double moments_bound = options->slack * UD2M_BOUND_MOMENTS;
    return status != UD2M_STATUS_OK        ? "the kernel refused it"
           : !guarded_intact(&p->memory)   ? "a canary was overwritten"
           : !padding_is_zero(p)           ? "padding lanes are not zero"
           : !moments_fit(p, moments_bound) ? "the moments are not those of the output"
                                            : NULL;
}

/// One variant on one tier with all numbers of threads, against what is expected.
static int32_t check_variant(const ud2m_case *a_case, ud2m_variant variant, ud2m_isa tier, const problem *expected,
                             const ud2m_check_options *options) {
    variant.moments = options->seed % 2 == 1;
    char shape[256], how[64];
    ud2m_case_describe(a_case, shape, sizeof shape);
    ud2m_variant_describe(a_case, variant, how, sizeof how);
    problem alone;
    const char *failure = run_problem(&alone, a_case, variant, tier, 1, options);
    double error = failure ? INFINITY : normalised_error(&alone, expected), bound = options->slack * bound_of(&alone);
    if (!failure && !(error < bound))
        failure = "the error is too large";
    for (int32_t threads = 2; !failure && threads <= MAXIMUM_THREADS; threads++) {
        problem shared;
        failure = run_problem(&shared, a_case, variant, tier, threads, options);
        if (!failure && !outputs_equal(&shared, &alone))
            failure = "the result depends on the number of threads";
        problem_free(&shared);
    }
    problem_free(&alone);
    if (failure && !options->silent)
        fprintf(stderr, "FAILED %s | %s %s | %s | seed %llu%s: error %.2e, bound %.2e\n", shape, ud2m_isa_name(tier),
                how, failure, (unsigned long long)options->seed, options->misaligned ? " misaligned" : "", error,
                bound);
    else if (!failure && options->verbose)
        printf("%-28s %-8s %-16s error %.2e, bound %.2e\n", a_case->name, ud2m_isa_name(tier), how, error, bound);
    return failure != NULL;
}

/// Says that a case failed as a whole; gives 1, the failure.
static int32_t report(const ud2m_case *a_case, const ud2m_check_options *options, const char *where, const char *what) {
    char shape[256];
    ud2m_case_describe(a_case, shape, sizeof shape);
    if (!options->silent)
        fprintf(stderr, "FAILED %s | %s | %s\n", shape, where, what);
    return 1;
}

/// Every variant with weights of one storage type.
static int32_t check_element(const ud2m_case *a_case, ud2m_element element, const ud2m_check_options *options) {
    ud2m_variant variants[MAXIMUM_VARIANTS];
    int32_t count = ud2m_case_variants(a_case, element, variants), failures = 0, checked = 0;
    problem expected;
    const char *failure = run_problem(&expected, a_case, (ud2m_variant){.element = element}, UD2M_ISA_REFERENCE,
                                      ud2m_available_processors(), options);
    for (size_t tier = 0; !failure && tier < sizeof vector_tiers / sizeof *vector_tiers; tier++)
        for (int32_t i = 0; ud2m_isa_available(vector_tiers[tier]) && i < count; i++, checked++)
            failures += check_variant(a_case, variants[i], vector_tiers[tier], &expected, options);
    problem_free(&expected);
    if (failure)
        return report(a_case, options, "reference", failure);
    return checked == 0 ? report(a_case, options, "every tier", "no variant ran") : failures;
}

/// A case to be refused must be so by every algorithm, before anything is read or written.
static int32_t check_refusal(const ud2m_case *a_case, const ud2m_check_options *options) {
    for (int algorithm = UD2M_CONV_DIRECT; algorithm <= UD2M_CONV_WINOGRAD4; algorithm++) {
        ud2m_conv2d conv =
            conv_shape(a_case->convolution, (ud2m_variant){.algorithm = (ud2m_conv_algorithm)algorithm});
        if (ud2m_conv2d_supports(&conv) || ud2m_conv2d_workspace(&conv, 1) != 0 ||
            ud2m_conv2d_run(NULL, &conv, NULL) != UD2M_STATUS_INVALID)
            return report(a_case, options, "every tier", "accepted although it is to be refused");
    }
    return 0;
}

int32_t ud2m_check_case(const ud2m_case *a_case, const ud2m_check_options *options) {
    if (a_case->use == UD2M_CASE_REFUSED)
        return check_refusal(a_case, options);
    ud2m_variant variants[MAXIMUM_VARIANTS];
    int32_t count = ud2m_case_variants(a_case, UD2M_ELEMENT_F32, variants), failures = 0;
    if (count == 0)
        return report(a_case, options, "every tier", "no algorithm supports it");
    // Storage types matter where kernels read stored weights, and small shapes show it; a linear layer's is part of the
    // case.
    bool reads_stored = variants[count - 1].stored && a_case->use != UD2M_CASE_COUNTED;
    for (int element = UD2M_ELEMENT_F32; element <= (reads_stored ? UD2M_ELEMENT_BF16 : UD2M_ELEMENT_F32); element++)
        failures += check_element(a_case, (ud2m_element)element, options);
    return failures;
}
