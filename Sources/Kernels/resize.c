#include "ud2m_pointwise.h"

typedef struct resize_job {
    const float *input;
    float *output;
    int32_t height;
    int32_t width;
    int32_t output_height;
    int32_t output_width;
} resize_job;

/// Two neighbouring samples and the weight of the second.
typedef struct sample_pair {
    int32_t first;
    int32_t second;
    float weight;
} sample_pair;

static sample_pair samples_at(int32_t position, int32_t size, int32_t output_size) {
    float source = ((float)size / (float)output_size) * ((float)position + 0.5f) - 0.5f;
    source = source < 0 ? 0 : source;
    int32_t first = (int32_t)source;
    first = first < size - 1 ? first : size - 1;
    return (sample_pair){first, first < size - 1 ? first + 1 : first, source - (float)first};
}

static void resize_plane(void *context, int64_t plane, int32_t worker) {
    (void)worker;
    const resize_job *job = context;
    const float *input = job->input + (size_t)plane * job->height * job->width;
    float *output = job->output + (size_t)plane * job->output_height * job->output_width;
    for (int32_t y = 0; y < job->output_height; y++) {
        sample_pair down = samples_at(y, job->height, job->output_height);
        const float *upper = input + (size_t)down.first * job->width;
        const float *lower = input + (size_t)down.second * job->width;
        for (int32_t x = 0; x < job->output_width; x++) {
            sample_pair across = samples_at(x, job->width, job->output_width);
            float top = upper[across.first] * (1 - across.weight) + upper[across.second] * across.weight;
            float bottom = lower[across.first] * (1 - across.weight) + lower[across.second] * across.weight;
            output[(size_t)y * job->output_width + x] = top * (1 - down.weight) + bottom * down.weight;
        }
    }
}

ud2m_status ud2m_resize_bilinear(ud2m_pool *pool, const float *input, int32_t channels, int32_t height, int32_t width,
                                 float *output, int32_t output_height, int32_t output_width) {
    if (channels <= 0 || height <= 0 || width <= 0 || output_height <= 0 || output_width <= 0)
        return UD2M_STATUS_INVALID;
    resize_job job = {input, output, height, width, output_height, output_width};
    ud2m_pool_run(pool, channels, resize_plane, &job);
    return UD2M_STATUS_OK;
}
