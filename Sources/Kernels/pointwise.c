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

/// Windows along one side; 0 if there is none.
static int64_t pool_outputs(const ud2m_pool2d *pooling, int64_t size) {
    int64_t reach = size + 2 * (int64_t)pooling->padding - pooling->window;
    // With ceiling, a window may reach beyond an image smaller than itself.
    if (reach < 0 && !(pooling->ceil_mode && reach > -pooling->stride))
        return 0;
    int64_t outputs = reach < 0 ? 0 : reach / pooling->stride + 1;
    // One more for the rest, unless it lies in the padding alone.
    bool has_rest = reach % pooling->stride != 0;
    return has_rest && pooling->ceil_mode && outputs * pooling->stride < size + pooling->padding ? outputs + 1
                                                                                                 : outputs;
}

ud2m_status ud2m_pool2d_output_size(const ud2m_pool2d *pooling, int32_t *height, int32_t *width) {
    if (!planes_are_valid(&pooling->input))
        return UD2M_STATUS_INVALID;
    if (pooling->kind == UD2M_POOLING_ADAPTIVE_AVERAGE) {
        *height = pooling->adaptive_height;
        *width = pooling->adaptive_width;
    } else {
        if (pooling->window <= 0 || pooling->stride <= 0 || pooling->padding < 0 || pooling->padding >= pooling->window)
            return UD2M_STATUS_INVALID;
        *height = (int32_t)pool_outputs(pooling, pooling->input.height);
        *width = (int32_t)pool_outputs(pooling, pooling->input.width);
    }
    return *height > 0 && *width > 0 ? UD2M_STATUS_OK : UD2M_STATUS_INVALID;
}

ud2m_status ud2m_pool2d_run(ud2m_pool *pool, const ud2m_pool2d *pooling) {
    int32_t height, width;
    if (ud2m_pool2d_output_size(pooling, &height, &width) != UD2M_STATUS_OK)
        return UD2M_STATUS_INVALID;
    operators_of(pool)->pool2d(pool, pooling, height, width);
    return UD2M_STATUS_OK;
}

void ud2m_add(ud2m_pool *pool, const float *left, const float *right, float *output, size_t count) {
    operators_of(pool)->add(pool, left, right, output, count);
}

void ud2m_activate(ud2m_pool *pool, const float *input, float *output, size_t count, ud2m_activation activation,
                   float slope) {
    operators_of(pool)->activate(pool, input, output, count, activation, slope);
}

ud2m_status ud2m_global_average(ud2m_pool *pool, const ud2m_planes *input, const int32_t *source_channels,
                                int32_t source_count, float *output, void *workspace) {
    int64_t blocks = 0;
    for (int32_t source = 0; source < source_count; source++) {
        if (source_channels[source] <= 0)
            return UD2M_STATUS_INVALID;
        blocks += ud2m_block_count(source_channels[source]);
    }
    if (!planes_are_valid(input) || blocks != input->block_count)
        return UD2M_STATUS_INVALID;
    double *moments = workspace;
    operators_of(pool)->moments(pool, input, moments, moments + (size_t)blocks * UD2M_LANES * 2);
    double pixels = (double)input->height * input->width;
    const double *block = moments;
    for (int32_t source = 0; source < source_count; source++) {
        for (int32_t channel = 0; channel < source_channels[source]; channel++)
            *output++ = (float)(block[2 * channel] / pixels);
        block += (size_t)ud2m_block_count(source_channels[source]) * UD2M_LANES * 2;
    }
    return UD2M_STATUS_OK;
}
