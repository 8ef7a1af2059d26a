#include "operators.h"
#include "stored_kernel.h"

ud2m_status ud2m_conv2d_output_size(const ud2m_conv2d *conv, int32_t *height, int32_t *width) {
    int64_t rows, columns;
    if (!conv_geometry(conv, &rows, &columns))
        return UD2M_STATUS_INVALID;
    *height = (int32_t)rows;
    *width = (int32_t)columns;
    return UD2M_STATUS_OK;
}

/// The plan of the algorithm asked for.
typedef struct algorithm_plan {
    bool valid;
    bool winograd;
    conv_plan direct;
    winograd_plan tiles;
} algorithm_plan;

static algorithm_plan plan_for(const ud2m_conv2d *conv, int32_t threads) {
    algorithm_plan plan = {.winograd = conv->algorithm != UD2M_CONV_DIRECT};
    switch (conv->algorithm) {
    case UD2M_CONV_DIRECT:
        plan.valid = conv_plan_make(conv, threads, &plan.direct);
        break;
    case UD2M_CONV_WINOGRAD2:
    case UD2M_CONV_WINOGRAD4:
        plan.valid = winograd_plan_make(conv, threads, &plan.tiles);
        break;
    }
    return plan;
}

bool ud2m_conv2d_supports(const ud2m_conv2d *conv) { return plan_for(conv, 1).valid; }

size_t ud2m_conv2d_workspace(const ud2m_conv2d *conv, int32_t threads) {
    algorithm_plan plan = plan_for(conv, threads);
    if (!plan.valid)
        return 0;
    const conv_plan *direct = plan.winograd ? &plan.tiles.staging : &plan.direct;
    size_t floats = plan.winograd ? plan.tiles.shared_floats + threads * plan.tiles.thread_floats
                                  : threads * plan.direct.thread_floats;
    return moment_doubles(conv, direct) * sizeof(double) + floats * sizeof(float);
}

ud2m_status ud2m_conv2d_run(ud2m_pool *pool, const ud2m_conv2d *conv, void *workspace) {
    algorithm_plan plan = plan_for(conv, ud2m_pool_threads(pool));
    bool moments_fit = !conv->moments || conv->images == 1 || conv->image_stride % 2 == 0;
    if (!plan.valid || !moments_fit || !(conv->weights || (plan.winograd && stored_kernel_fits(conv))))
        return UD2M_STATUS_INVALID;
    if (plan.winograd)
        operators_of(pool)->conv2d_winograd(pool, conv, &plan.tiles, workspace);
    else
        operators_of(pool)->conv2d_direct(pool, conv, &plan.direct, workspace);
    return UD2M_STATUS_OK;
}
