#include "operators.h"

#include <math.h>

ud2m_status ud2m_linear_run(ud2m_pool *pool, const ud2m_linear *linear) {
    if (linear->inputs <= 0 || linear->outputs <= 0)
        return UD2M_STATUS_INVALID;
    operators_of(pool)->linear(pool, linear);
    return UD2M_STATUS_OK;
}

/// Frequency `index` with the roundings of the network's definition. Elementary functions are evaluated in double and
/// rounded once, which gives the same value with every C library; their float32 forms do not, and at timestep 999 an
/// error of one unit in the last place of a frequency turns the angle by 6e-5.
static float frequency(int32_t index, int32_t half, int32_t shift) {
    const double log_period = 9.210340371976184; // ln 10000
    float exponent;
    if (shift == 0) {
        float product = -(float)log_period * (float)index;
        exponent = product / (float)half;
    } else {
        exponent = (float)index * -(float)(log_period / (half - shift));
    }
    return (float)exp((double)exponent);
}

ud2m_status ud2m_timestep_embedding(float timestep, int32_t width, ud2m_timestep_order order, int32_t frequency_shift,
                                    float *output) {
    int32_t half = width / 2;
    if (frequency_shift < 0 || half <= frequency_shift)
        return UD2M_STATUS_INVALID;
    float *cosines = order == UD2M_TIMESTEP_COSINE_FIRST ? output : output + half;
    float *sines = order == UD2M_TIMESTEP_COSINE_FIRST ? output + half : output;
    for (int32_t i = 0; i < half; i++) {
        float angle = timestep * frequency(i, half, frequency_shift);
        cosines[i] = (float)cos((double)angle);
        sines[i] = (float)sin((double)angle);
    }
    if (width % 2 != 0)
        output[width - 1] = 0;
    return UD2M_STATUS_OK;
}
