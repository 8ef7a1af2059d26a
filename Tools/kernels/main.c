// The command line of the kernels' checks and benchmarks; `scripts/kernels.sh` builds and runs it.

#include "ud2m_kernel_harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: kernels list\n"
    "       kernels check [--filter TEXT]\n"
    "       kernels fuzz [--seed S] [--runs N] [--seconds T]\n"
    "       kernels bench [--filter TEXT] [--threads N]\n"
    "       kernels once CASE [direct|f2|f4]\n";

typedef struct arguments {
    const char *filter;
    uint64_t seed;
    int64_t runs;
    double seconds;
    int32_t threads;
} arguments;

static _Noreturn void refuse(const char *what) {
    fprintf(stderr, "%s\n%s", what, usage);
    exit(64);
}

/// A whole number from 0 on that fills the word.
static uint64_t number(const char *word) {
    char *end;
    errno = 0;
    uint64_t value = strtoull(word, &end, 10);
    if (word[0] < '0' || word[0] > '9' || *end || errno)
        refuse(word);
    return value;
}

static arguments parse(int count, char **words) {
    arguments result = {.filter = "", .seed = 1, .runs = 200};
    for (int i = 0; i < count; i += 2) {
        if (i + 1 == count)
            refuse(words[i]);
        if (strcmp(words[i], "--filter") == 0)
            result.filter = words[i + 1];
        else if (strcmp(words[i], "--seed") == 0)
            result.seed = number(words[i + 1]);
        else if (strcmp(words[i], "--runs") == 0)
            result.runs = (int64_t)(number(words[i + 1]) & INT64_MAX);
        else if (strcmp(words[i], "--seconds") == 0) {
            result.seconds = (double)number(words[i + 1]);
            if (result.seconds == 0)
                refuse("--seconds 0");
            result.runs = INT64_MAX;
        } else if (strcmp(words[i], "--threads") == 0)
            result.threads = (int32_t)(number(words[i + 1]) & INT32_MAX);
        else
            refuse(words[i]);
    }
    return result;
}

static void print_tiers(void) {
    printf("tiers:");
    for (int isa = 0; isa < 64; isa++)
        if (ud2m_isa_available((ud2m_isa)isa))
            printf(" %s", ud2m_isa_name((ud2m_isa)isa));
    printf("\n");
}

static int list(void) {
    static const char *const uses[] = {"checked", "checked", "checked, timed, counted", "timed", "refused"};
    for (int32_t i = 0; i < ud2m_case_count(); i++) {
        ud2m_case a_case = ud2m_case_at(i);
        char text[256];
        ud2m_case_describe(&a_case, text, sizeof text);
        printf("%s (%s)\n", text, uses[a_case.use]);
    }
    return 0;
}

static int check(arguments arguments) {
    print_tiers();
    int32_t cases = 0, failures = 0;
    for (int32_t i = 0; i < ud2m_case_count(); i++) {
        ud2m_case a_case = ud2m_case_at(i);
        if (a_case.use == UD2M_CASE_TIMED || !strstr(a_case.name, arguments.filter))
            continue;
        ud2m_check_options options = {.seed = arguments.seed, .slack = 1, .verbose = true};
        failures += ud2m_check_case(&a_case, &options);
        cases++;
    }
    printf("%d cases, %d failures\n", cases, failures);
    return failures > 0 || cases == 0;
}

static void print_timing(const ud2m_case *a_case, ud2m_variant variant, ud2m_pool *pool) {
    char how[64];
    ud2m_variant_describe(a_case, variant, how, sizeof how);
    ud2m_timing timing = ud2m_time_case(a_case, variant, pool);
    bool counts = timing.operations > 0;
    printf("%-28s %-17s %9.3f ms, least %9.3f, %3d runs, %8.1f %s\n", a_case->name, how, 1e3 * timing.median,
           1e3 * timing.least, timing.repeats, 1e-9 * (counts ? timing.operations : timing.bytes) / timing.median,
           counts ? "GFLOP/s" : "GB/s");
}

static int bench(arguments arguments) {
    ud2m_pool *pool = ud2m_pool_create(arguments.threads);
    if (!pool)
        return 71;
    printf("%s, %d threads; GFLOP/s count the operation's definition, whatever the algorithm\n",
           ud2m_isa_name(ud2m_pool_isa(pool)), ud2m_pool_threads(pool));
    for (int32_t i = 0; i < ud2m_case_count(); i++) {
        ud2m_case a_case = ud2m_case_at(i);
        if ((a_case.use != UD2M_CASE_COUNTED && a_case.use != UD2M_CASE_TIMED) ||
            !strstr(a_case.name, arguments.filter))
            continue;
        for (int element = UD2M_ELEMENT_F32; element <= UD2M_ELEMENT_F16; element++) {
            ud2m_variant variants[5];
            int32_t count = ud2m_case_variants(&a_case, (ud2m_element)element, variants);
            // As networks run: Winograd reads stored weights, everything else has packed ones.
            for (int32_t j = 0; j < count; j++)
                if (variants[j].algorithm != UD2M_CONV_DIRECT ? variants[j].stored : element == UD2M_ELEMENT_F32)
                    print_timing(&a_case, variants[j], pool);
        }
    }
    ud2m_pool_destroy(pool);
    return 0;
}

static int once(const char *name, const char *algorithm) {
    ud2m_variant variant = {0};
    if (strcmp(algorithm, "f2") == 0)
        variant = (ud2m_variant){.algorithm = UD2M_CONV_WINOGRAD2, .stored = true};
    else if (strcmp(algorithm, "f4") == 0)
        variant = (ud2m_variant){.algorithm = UD2M_CONV_WINOGRAD4, .stored = true};
    else if (strcmp(algorithm, "direct") != 0)
        refuse(algorithm);
    for (int32_t i = 0; i < ud2m_case_count(); i++) {
        ud2m_case a_case = ud2m_case_at(i);
        if (strcmp(a_case.name, name) == 0)
            return ud2m_run_once(&a_case, variant) != UD2M_STATUS_OK;
    }
    refuse(name);
}

int main(int count, char **words) {
    // So that failures, on standard error, stand where they belong.
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    const char *command = count > 1 ? words[1] : "";
    if (strcmp(command, "list") == 0 && count == 2)
        return list();
    if (strcmp(command, "once") == 0 && (count == 3 || count == 4))
        return once(words[2], count == 4 ? words[3] : "direct");
    if (strcmp(command, "check") == 0)
        return check(parse(count - 2, words + 2));
    if (strcmp(command, "bench") == 0)
        return bench(parse(count - 2, words + 2));
    if (strcmp(command, "fuzz") == 0) {
        arguments arguments = parse(count - 2, words + 2);
        print_tiers();
        return ud2m_fuzz(arguments.seed, arguments.runs, arguments.seconds) > 0;
    }
    refuse(command);
}
