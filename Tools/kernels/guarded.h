#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Reproducible random numbers.
typedef struct random_source {
    uint64_t state;
} random_source;

uint64_t random_bits(random_source *source);

/// In -0.5 ..< 0.5.
float random_value(random_source *source);

/// In low ... high.
int32_t random_between(random_source *source, int32_t low, int32_t high);

/// One buffer and the canaries around it.
typedef struct guarded_buffer {
    uint8_t *start;
    uint8_t *data;
    size_t bytes;
} guarded_buffer;

/// Buffers whose ends are watched: by canaries, or by the address sanitizer where there is one, which sees reads too.
typedef struct guarded_memory {
    guarded_buffer *buffers;
    size_t count;
    /// Whether buffers start just past a cache line.
    bool misaligned;
} guarded_memory;

/// A new buffer full of NaN (bytes of all ones). If misaligned it starts `alignment` bytes past a cache line.
void *guarded_take(guarded_memory *memory, size_t bytes, size_t alignment);

bool guarded_intact(const guarded_memory *memory);

void guarded_free(guarded_memory *memory);
