#include "ud2m_layout.h"

#include "element.h"
#include <stdatomic.h>
#include <string.h>

enum { LANES = UD2M_LANES };

int32_t ud2m_block_count(int32_t channels) { return channels <= 0 ? 0 : (channels - 1) / LANES + 1; }

int32_t ud2m_concat_block_count(const int32_t *source_channels, int32_t source_count) {
    int32_t blocks = 0;
    for (int32_t source = 0; source < source_count; source++)
        blocks += ud2m_block_count(source_channels[source]);
    return blocks;
}

typedef struct planes_job {
    const float *source;
    float *destination;
    const float *const *from_blocks;
    float *const *to_blocks;
    int32_t channels;
    size_t pixels;
} planes_job;

static int32_t lanes_used(int32_t channels, int64_t block) {
    int64_t left = channels - block * LANES;
    return left < LANES ? (int32_t)left : LANES;
}

static void pack_block(void *context, int64_t block, int32_t worker) {
    (void)worker;
    const planes_job *job = context;
    int32_t used = lanes_used(job->channels, block);
    const float *source = job->source + (size_t)block * LANES * job->pixels;
    float *destination = job->to_blocks[block];
    for (size_t pixel = 0; pixel < job->pixels; pixel++)
        for (int32_t lane = 0; lane < LANES; lane++)
            destination[pixel * LANES + lane] = lane < used ? source[lane * job->pixels + pixel] : 0;
}

static void unpack_block(void *context, int64_t block, int32_t worker) {
    (void)worker;
    const planes_job *job = context;
    int32_t used = lanes_used(job->channels, block);
    float *destination = job->destination + (size_t)block * LANES * job->pixels;
    const float *source = job->from_blocks[block];
    for (int32_t lane = 0; lane < used; lane++)
        for (size_t pixel = 0; pixel < job->pixels; pixel++)
            destination[lane * job->pixels + pixel] = source[pixel * LANES + lane];
}

void ud2m_pack_planes(ud2m_pool *pool, const float *source, int32_t channels, int32_t height, int32_t width,
                      float *const *blocks) {
    planes_job job = {.source = source, .to_blocks = blocks, .channels = channels, .pixels = (size_t)height * width};
    ud2m_pool_run(pool, ud2m_block_count(channels), pack_block, &job);
}

void ud2m_unpack_planes(ud2m_pool *pool, const float *const *blocks, int32_t channels, int32_t height, int32_t width,
                        float *destination) {
    planes_job job = {
        .from_blocks = blocks, .destination = destination, .channels = channels, .pixels = (size_t)height * width};
    ud2m_pool_run(pool, ud2m_block_count(channels), unpack_block, &job);
}

typedef struct interleave_job {
    const ud2m_planes *input;
    float *const *output;
    int64_t output_blocks;
} interleave_job;

static void interleave_row(void *context, int64_t index, int32_t worker) {
    (void)worker;
    const interleave_job *job = context;
    int64_t width = job->input->width, block = index / job->input->height, row = index % job->input->height;
    for (int64_t phase = 0; phase < 4; phase++) {
        const float *source = job->input->blocks[phase * job->output_blocks + block] + row * width * LANES;
        float *destination = job->output[block] + ((2 * row + phase / 2) * 2 * width + phase % 2) * LANES;
        for (int64_t x = 0; x < width; x++)
            memcpy(destination + 2 * x * LANES, source + x * LANES, LANES * sizeof(float));
    }
}

ud2m_status ud2m_interleave2(ud2m_pool *pool, const ud2m_planes *input, float *const *output) {
    if (input->block_count <= 0 || input->block_count % 4 != 0 || input->height <= 0 || input->width <= 0)
        return UD2M_STATUS_INVALID;
    interleave_job job = {.input = input, .output = output, .output_blocks = input->block_count / 4};
    ud2m_pool_run(pool, job.output_blocks * input->height, interleave_row, &job);
    return UD2M_STATUS_OK;
}

void ud2m_convert_to_f32(const void *source, ud2m_element element, size_t count, float *destination) {
    if (element == UD2M_ELEMENT_F32) {
        memcpy(destination, source, count * sizeof(float));
        return;
    }
    for (size_t i = 0; i < count; i++)
        destination[i] = element_at(source, element, i);
}

/// Elements of one item of a rounding job.
enum { ROUNDING_RUN = 1 << 16 };

typedef struct rounding_job {
    const uint8_t *source;
    size_t count;
    uint16_t *destination;
    /// Bits of the largest finite magnitude so far: as integers they are in the order of the numbers.
    _Atomic uint32_t largest;
} rounding_job;

static void round_run(void *context, int64_t index, int32_t worker) {
    (void)worker;
    rounding_job *job = context;
    size_t first = (size_t)index * ROUNDING_RUN;
    size_t end = job->count - first < ROUNDING_RUN ? job->count : first + ROUNDING_RUN;
    uint32_t largest = 0;
    for (size_t i = first; i < end; i++) {
        float value = element_at(job->source, UD2M_ELEMENT_F32, i);
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        bits &= 0x7fffffff;
        largest = bits < 0x7f800000 && bits > largest ? bits : largest;
        job->destination[i] = half_from_float(value);
    }
    uint32_t seen = atomic_load(&job->largest);
    while (seen < largest && !atomic_compare_exchange_weak(&job->largest, &seen, largest))
        ;
}

float ud2m_round_to_f16(ud2m_pool *pool, const void *source, size_t count, uint16_t *destination) {
    rounding_job job = {.source = source, .count = count, .destination = destination};
    ud2m_pool_run(pool, (int64_t)((count + ROUNDING_RUN - 1) / ROUNDING_RUN), round_run, &job);
    return float_from_bits(atomic_load(&job.largest));
}

void ud2m_embedding_row(const void *table, ud2m_element element, int32_t width, int64_t row, float *destination) {
    const uint8_t *bytes = (const uint8_t *)table + (size_t)row * width * element_size(element);
    ud2m_convert_to_f32(bytes, element, width, destination);
}

void ud2m_pack_vector(const void *source, ud2m_element element, int32_t rows, const int32_t *row_order, float *packed) {
    int32_t slots = ud2m_block_count(rows) * LANES;
    for (int32_t row = 0; row < slots; row++) {
        int32_t from = row >= rows ? -1 : row_order ? row_order[row] : row;
        packed[row] = from < 0 ? 0 : element_at(source, element, from);
    }
}
