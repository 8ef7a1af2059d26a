#include "problem.h"

#include <math.h>
#include <string.h>

enum { LANES = UD2M_LANES };

/// Multiplies the channels of queries, wherever the row order puts them.
static void multiply_queries(const ud2m_attention *attention, float **blocks, float gain) {
    for (int32_t head = 0; head < attention->heads; head++)
        for (int32_t channel = 0; channel < attention->head_channels; channel++) {
            int32_t slot = attention->query_offset + head * attention->head_stride + channel;
            for (int32_t token = 0; token < attention->tokens; token++)
                blocks[slot / LANES][(size_t)token * LANES + slot % LANES] *= gain;
        }
}

bool problem_make_attention(problem *p) {
    const ud2m_attention_case *c = p->what.attention;
    int32_t channels = c->heads * c->head_channels, part = ud2m_block_count(channels) * LANES;
    bool separate = c->rows == UD2M_CASE_ROWS_SEPARATE;
    const int32_t sources[3] = {separate ? channels : 3 * channels, channels, channels};
    int32_t count = separate ? 3 : 1;
    int32_t offset = separate ? part : c->rows == UD2M_CASE_ROWS_NEW ? channels : c->head_channels;
    ud2m_attention attention = {
        .qkv_blocks = ud2m_concat_block_count(sources, count),
        .tokens = c->tokens,
        .heads = c->heads,
        .head_channels = c->head_channels,
        .key_offset = offset,
        .value_offset = 2 * offset,
        .head_stride = c->rows == UD2M_CASE_ROWS_LEGACY ? 3 * c->head_channels : c->head_channels,
        .scale = 1 / sqrtf((float)c->head_channels),
    };
    float **qkv = take_image(p, sources, count, c->tokens, 2, 0);
    multiply_queries(&attention, qkv, c->gain);
    attention.qkv = (const float *const *)qkv;
    attention.output = take_blocks(p, ud2m_block_count(channels), c->tokens);
    set_image_output(p, attention.output, &channels, 1, c->tokens);
    p->workspace = guarded_take(&p->memory, ud2m_attention_workspace(&attention, p->threads), sizeof(float));
    p->attention = attention;
    // Values have a mean square of 1/3, and sums average them.
    p->typical_power = 1.0 / 3 / c->tokens;
    p->operations = 4.0 * channels * (double)c->tokens * c->tokens;
    p->bytes = sizeof(float) * 4.0 * channels * c->tokens;
    return true;
}

/// A vector of channels, which unlike slots have no padding.
static const float *take_channels(problem *p, int32_t channels, float offset) {
    float *values = take_floats(p, channels);
    for (int32_t i = 0; i < channels; i++)
        values[i] = random_value(&p->random) + offset;
    return values;
}

/// The largest mean of a group in its deviations.
static double largest_mean(const ud2m_group_norm *norm, const bool *used, int32_t channels) {
    int64_t slot = 0, pixels = (int64_t)norm->input.height * norm->input.width;
    int32_t width = channels / norm->groups;
    double largest = 0;
    for (int32_t group = 0; group < norm->groups; group++) {
        double sum = 0, squares = 0, count = (double)width * (double)pixels;
        for (int32_t channel = 0; channel < width; slot++) {
            if (!used[slot])
                continue;
            for (int64_t pixel = 0; pixel < pixels; pixel++) {
                double x = norm->input.blocks[slot / LANES][pixel * LANES + slot % LANES];
                sum += x;
                squares += x * x;
            }
            channel++;
        }
        double mean = sum / count, variance = fmax(squares / count - mean * mean, 0);
        largest = fmax(largest, fabs(mean) / sqrt(variance + norm->epsilon));
    }
    return largest;
}

bool problem_make_norm(problem *p) {
    const ud2m_norm_case *c = p->what.norm;
    int32_t count = source_count(c->sources), blocks = source_blocks(c->sources);
    int32_t channels = source_channels(c->sources);
    size_t pixels = (size_t)c->height * c->width;
    p->norm = (ud2m_group_norm){
        .input = {(const float *const *)take_image(p, c->sources, count, pixels, 3, c->offset), blocks, c->height,
                  c->width},
        .source_channels = c->sources,
        .source_count = count,
        .groups = c->groups,
        .epsilon = 1e-5f,
        .gamma = c->affine ? take_channels(p, channels, 1) : NULL,
        .beta = c->affine ? take_channels(p, channels, 0) : NULL,
        .scale = c->modulated ? take_channels(p, channels, 0) : NULL,
        .shift = c->modulated ? take_channels(p, channels, 0) : NULL,
        .map_scale = take_floats(p, (size_t)blocks * LANES),
        .map_shift = take_floats(p, (size_t)blocks * LANES),
    };
    p->map = (ud2m_input_map){.scale = p->norm.map_scale, .shift = p->norm.map_shift};
    // Its moments are doubles.
    size_t bytes = ud2m_group_norm_workspace(blocks, c->height, c->width);
    p->workspace = guarded_take(&p->memory, bytes, sizeof(double));
    set_image_output(p, take_blocks(p, blocks, pixels), c->sources, count, pixels);
    p->typical_power = 1;
    p->cancellation = largest_mean(&p->norm, p->output_slots_used, channels);
    // The statistics read the image, the map reads and writes it.
    p->bytes = sizeof(float) * LANES * 3.0 * blocks * (double)pixels;
    return true;
}

bool problem_make_pooling(problem *p) {
    const ud2m_pooling_case *c = p->what.pooling;
    ud2m_pool2d pooling = {
        .input = {.block_count = ud2m_block_count(c->channels), .height = c->height, .width = c->width},
        .kind = c->kind,
        .window = c->window,
        .stride = c->stride,
        .padding = c->padding,
        .ceil_mode = c->ceil_mode,
        .adaptive_height = c->adaptive[0],
        .adaptive_width = c->adaptive[1],
    };
    int32_t height, width;
    if (ud2m_pool2d_output_size(&pooling, &height, &width) != UD2M_STATUS_OK)
        return false;
    size_t pixels = (size_t)c->height * c->width, output_pixels = (size_t)height * width;
    pooling.input.blocks = (const float *const *)take_image(p, &c->channels, 1, pixels, 4, 0);
    pooling.map =
        take_map(p, &c->channels, 1, c->mapped, c->mapped ? UD2M_ACTIVATION_SILU : UD2M_ACTIVATION_NONE);
    pooling.output = take_blocks(p, pooling.input.block_count, output_pixels);
    set_image_output(p, pooling.output, &c->channels, 1, output_pixels);
    p->pooling = pooling;
    // Inputs have a mean square of 4/3, and at most all pixels are averaged.
    p->typical_power = 4.0 / 3 / (double)pixels;
    p->bytes = sizeof(float) * LANES * pooling.input.block_count * (double)(pixels + output_pixels);
    return true;
}

bool problem_make_linear(problem *p) {
    const ud2m_linear_case *c = p->what.linear;
    float **outputs = guarded_take(&p->memory, sizeof *outputs, sizeof *outputs);
    outputs[0] = take_floats(p, c->outputs);
    p->linear = (ud2m_linear){
        .weights = take_stored(p, (size_t)c->inputs * c->outputs, c->element),
        .element = c->element,
        .inputs = c->inputs,
        .outputs = c->outputs,
        .input = take_channels(p, c->inputs, 0),
        .input_activation = c->input_activation,
        .bias = take_channels(p, c->outputs, 0),
        .output = outputs[0],
    };
    p->outputs = outputs;
    p->output_count = 1;
    p->output_slots = c->outputs;
    // Weights and inputs have a mean square of 1/12.
    p->typical_power = c->inputs / 144.0;
    p->operations = 2.0 * c->inputs * c->outputs;
    p->bytes = (c->element == UD2M_ELEMENT_F32 ? 4.0 : 2.0) * c->inputs * c->outputs;
    return true;
}
