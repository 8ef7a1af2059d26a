#include "element.h"
#include "ud2m_layout.h"

enum { LANES = UD2M_LANES };

typedef struct packing_job {
    const ud2m_conv_weights *shape;
    const void *source;
    ud2m_element element;
    const int32_t *row_order;
    float *packed;
    int32_t blocks;
    int32_t taps;
    size_t channels;
} packing_job;

size_t ud2m_conv_weights_floats(const ud2m_conv_weights *shape) {
    if (shape->rows <= 0 || shape->source_count <= 0 || shape->kernel_height <= 0 || shape->kernel_width <= 0)
        return 0;
    size_t blocks = 0, floats = LANES * LANES;
    for (int32_t source = 0; source < shape->source_count; source++) {
        if (shape->source_channels[source] <= 0)
            return 0;
        blocks += ud2m_block_count(shape->source_channels[source]);
    }
    // Slots of an input are indexed by int32.
    if (blocks > INT32_MAX / LANES || (int64_t)shape->kernel_height * shape->kernel_width > INT32_MAX)
        return 0;
    size_t factors[] = {ud2m_block_count(shape->rows), blocks, shape->kernel_height, shape->kernel_width};
    for (int i = 0; i < 4; i++)
        if (__builtin_mul_overflow(floats, factors[i], &floats))
            return 0;
    return floats > PTRDIFF_MAX / sizeof(float) ? 0 : floats;
}

static void pack_input_block(const packing_job *job, int64_t row_block, int32_t block, size_t first, int32_t used) {
    size_t floats = (size_t)job->taps * LANES * LANES;
    float *packed = job->packed + ((size_t)row_block * job->blocks + block) * floats;
    if (used < LANES || job->row_order || (row_block + 1) * LANES > job->shape->rows)
        memset(packed, 0, floats * sizeof *packed);
    for (int32_t row_lane = 0; row_lane < LANES; row_lane++) {
        int64_t row = row_block * LANES + row_lane;
        int64_t from = row >= job->shape->rows ? -1 : job->row_order ? job->row_order[row] : row;
        if (from < 0)
            continue;
        size_t start = ((size_t)from * job->channels + first) * job->taps;
        for (int32_t lane = 0; lane < used; lane++)
            for (int32_t tap = 0; tap < job->taps; tap++)
                packed[((size_t)tap * LANES + lane) * LANES + row_lane] =
                    element_at(job->source, job->element, start + (size_t)lane * job->taps + tap);
    }
}

static void pack_row_block(void *context, int64_t row_block, int32_t worker) {
    (void)worker;
    const packing_job *job = context;
    int32_t block = 0;
    size_t first = 0;
    for (int32_t source = 0; source < job->shape->source_count; source++) {
        int32_t left = job->shape->source_channels[source];
        for (; left > 0; left -= LANES, block++) {
            int32_t used = left < LANES ? left : LANES;
            pack_input_block(job, row_block, block, first, used);
            first += used;
        }
    }
}

ud2m_status ud2m_pack_conv_weights(ud2m_pool *pool, const ud2m_conv_weights *shape, const void *source,
                                   ud2m_element element, const int32_t *row_order, float *packed) {
    if (ud2m_conv_weights_floats(shape) == 0)
        return UD2M_STATUS_INVALID;
    packing_job job = {.shape = shape,
                       .source = source,
                       .element = element,
                       .row_order = row_order,
                       .packed = packed,
                       .blocks = ud2m_concat_block_count(shape->source_channels, shape->source_count),
                       .taps = shape->kernel_height * shape->kernel_width};
    for (int32_t i = 0; i < shape->source_count; i++)
        job.channels += shape->source_channels[i];
    ud2m_pool_run(pool, ud2m_block_count(shape->rows), pack_row_block, &job);
    return UD2M_STATUS_OK;
}
