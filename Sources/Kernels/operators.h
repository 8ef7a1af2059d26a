#pragma once

#include "conv_plan.h"
#include "ud2m_kernels.h"
#include "winograd_plan.h"

/// The operators a tier implements. Arguments have been checked.
typedef struct operator_table {
    void (*conv2d_direct)(ud2m_pool *pool, const ud2m_conv2d *conv, const conv_plan *plan, void *workspace);
    void (*conv2d_winograd)(ud2m_pool *pool, const ud2m_conv2d *conv, const winograd_plan *plan, void *workspace);
    /// Writes per-slot sums: `moments[slot] = {Σx, Σx²}` over all pixels.
    void (*moments)(ud2m_pool *pool, const ud2m_planes *input, double *moments, void *workspace);
    void (*map_planes)(ud2m_pool *pool, const ud2m_planes *input, const ud2m_input_map *map, float *const *output);
    void (*upsample2)(ud2m_pool *pool, const ud2m_planes *input, const ud2m_input_map *map, float *const *output);
    void (*pool2d)(ud2m_pool *pool, const ud2m_pool2d *pooling, int32_t output_height, int32_t output_width);
    void (*add)(ud2m_pool *pool, const float *left, const float *right, float *output, size_t count);
    void (*activate)(ud2m_pool *pool, const float *input, float *output, size_t count, ud2m_activation activation,
                     float slope);
    void (*linear)(ud2m_pool *pool, const ud2m_linear *linear);
    void (*attention)(ud2m_pool *pool, const ud2m_attention *attention, void *workspace);
    /// `rounds` times twelve independent multiply-adds of a register; gives the floating-point operations.
    double (*multiply_add)(int64_t rounds, float *sink);
} operator_table;

extern const operator_table operators_reference;
extern const operator_table operators_generic;
#if defined(__x86_64__)
extern const operator_table operators_avx2;
extern const operator_table operators_avx512;
#elif defined(__aarch64__)
extern const operator_table operators_neon;
#endif

/// The table of `ud2m_pool_isa(pool)`.
const operator_table *operators_of(const ud2m_pool *pool);
