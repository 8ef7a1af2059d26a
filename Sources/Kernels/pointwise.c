#include "operators.h"

static bool planes_are_valid(const ud2m_planes *planes) {
    return planes->block_count > 0 && planes->height > 0 && planes->width > 0;
}

ud2m_status ud2m_map_planes(ud2m_pool *pool, const ud2m_planes *input, const ud2m_input_map *map,
                            float *const *output) {
    if (!planes_are_valid(input))
        return UD2M_STATUS_INVALID;
    operators_of(pool)->map_planes(pool, input, map, output);
    return UD2M_STATUS_OK;
}

ud2m_status ud2m_upsample_nearest2(ud2m_pool *pool, const ud2m_planes *input, const ud2m_input_map *map,
                                   float *const *output) {
    if (!planes_are_valid(input))
        return UD2M_STATUS_INVALID;
    operators_of(pool)->upsample2(pool, input, map, output);
    return UD2M_STATUS_OK;
}

ud2m_status ud2m_pool2d_run(ud2m_pool *pool, const ud2m_pool2d *pooling) {
    if (!planes_are_valid(&pooling->input) || pooling->window <= 0 || pooling->stride <= 0 || pooling->padding < 0 ||
        pooling->padding >= pooling->window)
        return UD2M_STATUS_INVALID;
    int64_t rows = (int64_t)pooling->input.height + 2 * (int64_t)pooling->padding - pooling->window;
    int64_t columns = (int64_t)pooling->input.width + 2 * (int64_t)pooling->padding - pooling->window;
    if (rows < 0 || columns < 0)
        return UD2M_STATUS_INVALID;
    operators_of(pool)->pool2d(pool, pooling, (int32_t)(rows / pooling->stride) + 1,
                                (int32_t)(columns / pooling->stride) + 1);
    return UD2M_STATUS_OK;
}

void ud2m_add(ud2m_pool *pool, const float *left, const float *right, float *output, size_t count) {
    operators_of(pool)->add(pool, left, right, output, count);
}

void ud2m_silu(ud2m_pool *pool, const float *input, float *output, size_t count) {
    operators_of(pool)->silu(pool, input, output, count);
}
