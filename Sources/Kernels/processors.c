#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "ud2m_pool.h"

#include <unistd.h>

#if defined(__linux__)
#include <sched.h>
#include <stdio.h>
#include <string.h>

static int32_t affinity_processors(void) {
    // Grows for machines with more processors than a cpu_set_t holds.
    for (int limit = 1024; limit <= 65536; limit *= 4) {
        cpu_set_t *set = CPU_ALLOC(limit);
        if (!set)
            return 0;
        size_t size = CPU_ALLOC_SIZE(limit);
        int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (count > 0)
            return count;
    }
    return 0;
}

static int32_t rounded_up(long long quota, long long period) {
    if (quota <= 0 || period <= 0)
        return INT32_MAX;
    long long processors = (quota + period - 1) / period;
    return processors > INT32_MAX ? INT32_MAX : (int32_t)processors;
}

/// Limit in a `cpu.max` file of cgroup v2 ("quota period" or "max period"), INT32_MAX if there is none.
static int32_t quota_in(const char *path) {
    FILE *file = fopen(path, "re");
    if (!file)
        return INT32_MAX;
    long long quota = 0, period = 0;
    int fields = fscanf(file, "%lld %lld", &quota, &period);
    fclose(file);
    return fields == 2 ? rounded_up(quota, period) : INT32_MAX;
}

static long long number_in(const char *path) {
    FILE *file = fopen(path, "re");
    long long value = 0;
    if (!file)
        return 0;
    if (fscanf(file, "%lld", &value) != 1)
        value = 0;
    fclose(file);
    return value;
}

/// Smallest CPU quota of this process's cgroup and the groups above it.
static int32_t cgroup_processors(void) {
    int32_t smallest = rounded_up(number_in("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"),
                                  number_in("/sys/fs/cgroup/cpu/cpu.cfs_period_us"));
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (!file)
        return smallest;
    char line[4096], group[4096] = "";
    while (fgets(line, sizeof line, file))
        if (strncmp(line, "0::", 3) == 0)
            snprintf(group, sizeof group, "%.*s", (int)strcspn(line + 3, "\n"), line + 3);
    fclose(file);
    for (;;) {
        char path[4200];
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", group);
        int32_t quota = quota_in(path);
        smallest = quota < smallest ? quota : smallest;
        char *slash = strrchr(group, '/');
        if (!slash)
            return smallest;
        *slash = 0;
    }
}
#endif

int32_t ud2m_available_processors(void) {
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    int32_t processors = online > 0 && online < INT32_MAX ? (int32_t)online : 1;
#if defined(__linux__)
    int32_t affinity = affinity_processors();
    if (affinity > 0)
        processors = affinity;
    int32_t quota = cgroup_processors();
    if (quota < processors)
        processors = quota;
#endif
    return processors;
}
