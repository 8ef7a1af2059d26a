#include "operators.h"

ud2m_status ud2m_conv2d_output_size(const ud2m_conv2d *conv, int32_t *height, int32_t *width) {
    int64_t rows, columns;
    if (!conv_geometry(conv, &rows, &columns))
        return UD2M_STATUS_INVALID;
    *height = (int32_t)rows;
    *width = (int32_t)columns;
    return UD2M_STATUS_OK;
}

bool ud2m_conv2d_supports(const ud2m_conv2d *conv) {
    conv_plan plan;
    return conv->algorithm == UD2M_CONV_DIRECT && conv_plan_make(conv, 1, &plan);
}

size_t ud2m_conv2d_workspace(const ud2m_conv2d *conv, int32_t threads) {
    conv_plan plan;
    if (!conv_plan_make(conv, threads, &plan))
        return 0;
    return (size_t)threads * plan.chunk * plan.patch_floats * sizeof(float);
}

ud2m_status ud2m_conv2d_run(ud2m_pool *pool, const ud2m_conv2d *conv, void *workspace) {
    conv_plan plan;
    if (!ud2m_conv2d_supports(conv) || !conv_plan_make(conv, ud2m_pool_threads(pool), &plan))
        return UD2M_STATUS_INVALID;
    operators_of(pool)->conv2d_direct(pool, conv, &plan, workspace);
    return UD2M_STATUS_OK;
}
