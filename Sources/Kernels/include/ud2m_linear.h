#pragma once
#include "ud2m_pool.h"

/// @file
/// Fully connected layers and timestep embeddings.

#ifdef __cplusplus
extern "C" {
#endif

/// One fully connected layer `output = weights · activation(input) + bias`, weights row-major `[outputs][inputs]` as
/// stored in a file (no packing).
typedef struct ud2m_linear {
    const void *weights;
    ud2m_element element;
    int32_t inputs;
    int32_t outputs;
    const float *input;
    ud2m_activation input_activation;
    /// Of `UD2M_ACTIVATION_LEAKY_RELU`; otherwise ignored.
    float input_slope;
    /// `outputs` floats, or null.
    const float *bias;
    float *output;
} ud2m_linear;

/// Runs a fully connected layer.
ud2m_status ud2m_linear_run(ud2m_pool *pool, const ud2m_linear *linear);

/// Which half of a timestep embedding comes first.
typedef enum ud2m_timestep_order {
    /// ADM (`networks.md` §1.3).
    UD2M_TIMESTEP_COSINE_FIRST = 0,
    /// DDPM (`networks.md` §2.1).
    UD2M_TIMESTEP_SINE_FIRST = 1,
} ud2m_timestep_order;

/// Sinusoidal embedding of a timestep in `width` floats (half = width / 2; an odd width ends in a zero), with maximum
/// period 10000 and frequency exponents divided by `half - frequency_shift`: 0 for ADM, 1 for DDPM. Every operation
/// rounds to float32, as the networks were trained. Needs `half > frequency_shift`.
ud2m_status ud2m_timestep_embedding(float timestep, int32_t width, ud2m_timestep_order order, int32_t frequency_shift,
                                    float *output);

#ifdef __cplusplus
}
#endif
