// For posix_memalign, which unlike aligned_alloc takes any size.
#define _POSIX_C_SOURCE 200809L

#include "guarded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WATCHED_BY_SANITIZER 1
#endif
#endif

enum {
    CACHE_LINE = 64,
#if defined(WATCHED_BY_SANITIZER)
    // The sanitizer's own guards must begin where the buffer ends.
    CANARY = 0,
#else
    CANARY = 64,
#endif
    CANARY_BYTE = 0xA5,
};

uint64_t random_bits(random_source *source) {
    // SplitMix64.
    source->state += 0x9E3779B97F4A7C15u;
    uint64_t bits = (source->state ^ (source->state >> 30)) * 0xBF58476D1CE4E5B9u;
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EBu;
    return bits ^ (bits >> 31);
}

float random_value(random_source *source) { return (float)(random_bits(source) >> 40) * 0x1p-24f - 0.5f; }

int32_t random_between(random_source *source, int32_t low, int32_t high) {
    return low + (int32_t)(random_bits(source) % (uint64_t)(high - low + 1));
}

static void *require(void *memory) {
    if (memory)
        return memory;
    fputs("out of memory\n", stderr);
    exit(71);
}

void *guarded_take(guarded_memory *memory, size_t bytes, size_t alignment) {
    size_t before = CANARY + (memory->misaligned ? alignment : 0);
    void *start = NULL;
    if (posix_memalign(&start, CACHE_LINE, before + bytes + CANARY + (bytes == 0)) != 0)
        start = NULL;
    guarded_buffer buffer = {.start = require(start), .bytes = bytes};
    buffer.data = buffer.start + before;
    memset(buffer.start, CANARY_BYTE, before);
    memset(buffer.data, 0xFF, bytes);
    memset(buffer.data + bytes, CANARY_BYTE, CANARY);
    // Room grows at powers of two.
    if ((memory->count & (memory->count - 1)) == 0) {
        size_t room = memory->count ? 2 * memory->count : 1;
        memory->buffers = require(realloc(memory->buffers, room * sizeof *memory->buffers));
    }
    memory->buffers[memory->count++] = buffer;
    return buffer.data;
}

bool guarded_intact(const guarded_memory *memory) {
    for (size_t i = 0; i < memory->count; i++) {
        const guarded_buffer *buffer = &memory->buffers[i];
        for (const uint8_t *byte = buffer->start; byte < buffer->data; byte++)
            if (*byte != CANARY_BYTE)
                return false;
        for (size_t j = 0; j < CANARY; j++)
            if (buffer->data[buffer->bytes + j] != CANARY_BYTE)
                return false;
    }
    return true;
}

void guarded_free(guarded_memory *memory) {
    for (size_t i = 0; i < memory->count; i++)
        free(memory->buffers[i].start);
    free(memory->buffers);
    *memory = (guarded_memory){0};
}
