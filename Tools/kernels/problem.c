#include "problem.h"

#include <string.h>

enum { LANES = UD2M_LANES };

float *take_floats(problem *p, size_t count) {
    return guarded_take(&p->memory, count * sizeof(float), sizeof(float));
}

float **take_blocks(problem *p, int32_t block_count, size_t pixels) {
    float **blocks = guarded_take(&p->memory, block_count * sizeof *blocks, sizeof *blocks);
    for (int32_t i = 0; i < block_count; i++)
        blocks[i] = take_floats(p, pixels * LANES);
    return blocks;
}

int32_t source_count(const int32_t *sources) {
    int32_t count = 0;
    while (count < UD2M_CASE_SOURCES && sources[count] > 0)
        count++;
    return count;
}

int32_t source_channels(const int32_t *sources) {
    int32_t channels = 0;
    for (int32_t i = 0; i < source_count(sources); i++)
        channels += sources[i];
    return channels;
}

int32_t source_blocks(const int32_t *sources) { return ud2m_concat_block_count(sources, source_count(sources)); }

bool *take_used(problem *p, const int32_t *sources, int32_t count) {
    bool *used = guarded_take(&p->memory, (size_t)ud2m_concat_block_count(sources, count) * LANES, 1);
    bool *slot = used;
    for (int32_t i = 0; i < count; i++)
        for (int32_t lane = 0; lane < ud2m_block_count(sources[i]) * LANES; lane++)
            *slot++ = lane < sources[i];
    return used;
}

float **take_image(problem *p, const int32_t *sources, int32_t count, size_t pixels, float gain, float offset) {
    const bool *used = take_used(p, sources, count);
    int32_t block_count = ud2m_concat_block_count(sources, count);
    float **blocks = take_blocks(p, block_count, pixels);
    for (int32_t block = 0; block < block_count; block++)
        for (size_t i = 0; i < pixels * LANES; i++)
            blocks[block][i] = used[block * LANES + i % LANES] ? random_value(&p->random) * gain + offset : 0;
    return blocks;
}

float *take_slots(problem *p, const int32_t *sources, int32_t count, float offset) {
    size_t slots = (size_t)ud2m_concat_block_count(sources, count) * LANES;
    const bool *used = take_used(p, sources, count);
    float *values = take_floats(p, slots);
    for (size_t slot = 0; slot < slots; slot++)
        values[slot] = used[slot] ? random_value(&p->random) + offset : 0;
    return values;
}

static uint16_t half_of(uint32_t bits) {
    // Numbers below the halves' range become zero.
    int32_t exponent = (int32_t)(bits >> 23 & 0xFF) - 127 + 15;
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    return exponent <= 0 ? sign : (uint16_t)(sign | exponent << 10 | (bits >> 13 & 0x3FF));
}

void *take_stored(problem *p, size_t count, ud2m_element element) {
    size_t size = element == UD2M_ELEMENT_F32 ? 4 : 2;
    uint8_t *bytes = (uint8_t *)guarded_take(&p->memory, count * size + 1, 1) + 1;
    for (size_t i = 0; i < count; i++) {
        float value = random_value(&p->random);
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        uint16_t half = element == UD2M_ELEMENT_F16 ? half_of(bits) : (uint16_t)(bits >> 16);
        memcpy(bytes + i * size, size == 4 ? (const void *)&bits : (const void *)&half, size);
    }
    return bytes;
}

void set_image_output(problem *p, float *const *blocks, const int32_t *sources, int32_t count, size_t pixels) {
    p->outputs = blocks;
    p->output_count = ud2m_concat_block_count(sources, count);
    p->output_pixels = pixels;
    p->output_slots = (size_t)p->output_count * LANES;
    p->output_slots_used = take_used(p, sources, count);
}

ud2m_input_map take_map(problem *p, const int32_t *sources, int32_t count, bool mapped, ud2m_activation activation) {
    ud2m_input_map map = {.activation = activation};
    if (mapped) {
        map.scale = take_slots(p, sources, count, 1);
        map.shift = take_slots(p, sources, count, 0.7f);
    }
    return map;
}

size_t problem_output_floats(const problem *p) { return p->output_pixels ? p->output_pixels * LANES : p->output_slots; }

bool problem_make(problem *p, const ud2m_case *what, ud2m_variant variant, int32_t threads, uint64_t seed,
                  bool misaligned) {
    *p = (problem){.what = *what,
                   .variant = variant,
                   .memory = {.misaligned = misaligned},
                   .random = {seed},
                   .threads = threads};
    switch (what->kind) {
    case UD2M_CASE_CONVOLUTION:
        return problem_make_conv(p);
    case UD2M_CASE_TRANSPOSED:
        return problem_make_transposed(p);
    case UD2M_CASE_ATTENTION:
        return problem_make_attention(p);
    case UD2M_CASE_GROUP_NORM:
        return problem_make_norm(p);
    case UD2M_CASE_POOLING:
        return problem_make_pooling(p);
    case UD2M_CASE_LINEAR:
        return problem_make_linear(p);
    }
    return false;
}

ud2m_status problem_run(problem *p, ud2m_pool *pool) {
    ud2m_status status = UD2M_STATUS_INVALID;
    switch (p->what.kind) {
    case UD2M_CASE_CONVOLUTION:
        return ud2m_conv2d_run(pool, &p->conv, p->workspace);
    case UD2M_CASE_TRANSPOSED:
        status = ud2m_conv2d_run(pool, &p->conv, p->workspace);
        return status == UD2M_STATUS_OK ? ud2m_interleave2(pool, &p->phases, p->outputs) : status;
    case UD2M_CASE_ATTENTION:
        return ud2m_attention_run(pool, &p->attention, p->workspace);
    case UD2M_CASE_GROUP_NORM:
        status = ud2m_group_norm_run(pool, &p->norm, p->workspace);
        return status == UD2M_STATUS_OK ? ud2m_map_planes(pool, &p->norm.input, &p->map, p->outputs) : status;
    case UD2M_CASE_POOLING:
        return ud2m_pool2d_run(pool, &p->pooling);
    case UD2M_CASE_LINEAR:
        return ud2m_linear_run(pool, &p->linear);
    }
    return status;
}

void problem_free(problem *p) { guarded_free(&p->memory); }
