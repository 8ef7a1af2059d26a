#include "element.h"
#include "operators.h"
#include "stored_kernel.h"

#include <math.h>

// The oracle: one obvious loop nest an operator, double accumulators, float storage. Work is shared out by output block
// so that tests stay fast; nothing else is optimised.

enum { LANES = UD2M_LANES };

static double activated(double x, ud2m_activation activation, double slope) {
    switch (activation) {
    case UD2M_ACTIVATION_SILU:
        return x / (1 + exp(-x));
    case UD2M_ACTIVATION_RELU:
        return x > 0 ? x : 0;
    case UD2M_ACTIVATION_LEAKY_RELU:
        return x > 0 ? x : slope * x;
    case UD2M_ACTIVATION_SIGMOID:
        return 1 / (1 + exp(-x));
    default:
        return x;
    }
}

static double mapped(const ud2m_input_map *map, float x, int64_t slot) {
    double value = map->scale ? (double)map->scale[slot] * x + map->shift[slot] : x;
    return activated(value, map->activation, map->slope);
}

typedef struct job {
    const ud2m_conv2d *conv;
    const conv_plan *plan;
    const ud2m_planes *planes;
    const ud2m_input_map *map;
    const ud2m_pool2d *pooling;
    const ud2m_attention *attention;
    float *const *output;
    double *moments;
    int32_t height;
    int32_t width;
} job;

/// A mapped value of the image that starts `offset` floats behind the first.
static double conv_input(const ud2m_conv2d *conv, ptrdiff_t offset, int64_t slot, int64_t y, int64_t x) {
    if (y < 0 || x < 0 || y >= (int64_t)conv->input.height * conv->upsample ||
        x >= (int64_t)conv->input.width * conv->upsample)
        return 0;
    int64_t pixel = y / conv->upsample * conv->input.width + x / conv->upsample;
    float value = conv->input.blocks[slot / LANES][offset + pixel * LANES + slot % LANES];
    return mapped(&conv->map, value, offset + slot);
}

static float conv_weight(const ud2m_conv2d *conv, int64_t row, int64_t slot, int64_t tap) {
    if (!conv->weights)
        return stored_weight(&conv->stored, row, slot, tap);
    int64_t pair = row / LANES * conv->input.block_count + slot / LANES;
    int64_t taps = (int64_t)conv->kernel_height * conv->kernel_width;
    return conv->weights[((pair * taps + tap) * LANES + slot % LANES) * LANES + row % LANES];
}

static double conv_sum(const ud2m_conv2d *conv, ptrdiff_t offset, int64_t row, int64_t y, int64_t x) {
    int64_t taps = (int64_t)conv->kernel_height * conv->kernel_width;
    double sum = 0;
    for (int64_t slot = 0; slot < (int64_t)conv->input.block_count * LANES; slot++) {
        for (int64_t tap = 0; tap < taps; tap++) {
            float weight = conv_weight(conv, row, slot, tap);
            sum += weight * conv_input(conv, offset, slot, y * conv->stride - conv->pad_top + tap / conv->kernel_width,
                                       x * conv->stride - conv->pad_left + tap % conv->kernel_width);
        }
    }
    return sum;
}

/// `{sum of x, sum of x²}` of a finished output block, `[16][2]`.
static void conv_moments(const float *output, int64_t pixels, double *moments) {
    for (int64_t i = 0; i < 2 * LANES; i++)
        moments[i] = 0;
    for (int64_t i = 0; i < pixels * LANES; i++) {
        double x = output[i];
        moments[i % LANES * 2] += x;
        moments[i % LANES * 2 + 1] += x * x;
    }
}

static void conv_block(void *context, int64_t index, int32_t worker) {
    (void)worker;
    const job *job = context;
    const ud2m_conv2d *conv = job->conv;
    int64_t image = index / conv->output_blocks, block = index % conv->output_blocks;
    ptrdiff_t offset = image * conv->image_stride;
    float *output = conv->output[block] + offset;
    for (int64_t y = 0; y < job->height; y++)
        for (int64_t x = 0; x < job->width; x++)
            for (int64_t lane = 0; lane < LANES; lane++) {
                int64_t row = block * LANES + lane;
                double bias = conv->bias ? conv->bias[image * conv->bias_stride + row] : 0;
                double value = activated(conv_sum(conv, offset, row, y, x) + bias, conv->activation, conv->slope);
                if (conv->residual) {
                    int64_t scale = conv->residual_upsample, width = (job->width + scale - 1) / scale;
                    value += conv->residual[block][offset + (y / scale * width + x / scale) * LANES + lane];
                }
                output[(y * job->width + x) * LANES + lane] = (float)value;
            }
    if (conv->moments)
        conv_moments(output, (int64_t)job->height * job->width, conv->moments + offset / 2 + block * 2 * LANES);
}

static void conv2d(ud2m_pool *pool, const ud2m_conv2d *conv) {
    job job = {.conv = conv};
    ud2m_conv2d_output_size(conv, &job.height, &job.width);
    ud2m_pool_run(pool, (int64_t)conv->images * conv->output_blocks, conv_block, &job);
}

static void conv2d_direct(ud2m_pool *pool, const ud2m_conv2d *conv, const conv_plan *plan, void *workspace) {
    (void)plan, (void)workspace;
    conv2d(pool, conv);
}

/// The oracle of every algorithm is the definition.
static void conv2d_winograd(ud2m_pool *pool, const ud2m_conv2d *conv, const winograd_plan *plan, void *workspace) {
    (void)plan, (void)workspace;
    conv2d(pool, conv);
}

static void moments_block(void *context, int64_t block, int32_t worker) {
    (void)worker;
    const job *job = context;
    int64_t pixels = (int64_t)job->planes->height * job->planes->width;
    for (int64_t lane = 0; lane < LANES; lane++) {
        double sum = 0, squares = 0;
        for (int64_t pixel = 0; pixel < pixels; pixel++) {
            double x = job->planes->blocks[block][pixel * LANES + lane];
            sum += x;
            squares += x * x;
        }
        job->moments[(block * LANES + lane) * 2] = sum;
        job->moments[(block * LANES + lane) * 2 + 1] = squares;
    }
}

static void moments(ud2m_pool *pool, const ud2m_planes *input, double *moments, void *workspace) {
    (void)workspace;
    job job = {.planes = input, .moments = moments};
    ud2m_pool_run(pool, input->block_count, moments_block, &job);
}

/// Enlarges by 1 or 2 while mapping.
static void enlarge_block(void *context, int64_t block, int32_t worker) {
    (void)worker;
    const job *job = context;
    int64_t scale = job->width / job->planes->width;
    for (int64_t y = 0; y < job->height; y++)
        for (int64_t x = 0; x < job->width; x++)
            for (int64_t lane = 0; lane < LANES; lane++) {
                float value = job->planes->blocks[block][(y / scale * job->planes->width + x / scale) * LANES + lane];
                job->output[block][(y * job->width + x) * LANES + lane] =
                    (float)mapped(job->map, value, block * LANES + lane);
            }
}

static void map_planes(ud2m_pool *pool, const ud2m_planes *input, const ud2m_input_map *map, float *const *output) {
    job job = {.planes = input, .map = map, .output = output, .height = input->height, .width = input->width};
    ud2m_pool_run(pool, input->block_count, enlarge_block, &job);
}

static void upsample2(ud2m_pool *pool, const ud2m_planes *input, const ud2m_input_map *map, float *const *output) {
    job job = {.planes = input, .map = map, .output = output, .height = 2 * input->height, .width = 2 * input->width};
    ud2m_pool_run(pool, input->block_count, enlarge_block, &job);
}

static double pooled(const ud2m_pool2d *pooling, int64_t slot, int64_t top, int64_t bottom, int64_t left,
                     int64_t right) {
    double sum = 0, maximum = -INFINITY;
    int64_t count = 0;
    for (int64_t y = top; y < bottom; y++)
        for (int64_t x = left; x < right; x++) {
            if (y < 0 || x < 0 || y >= pooling->input.height || x >= pooling->input.width)
                continue;
            int64_t pixel = y * pooling->input.width + x;
            double value =
                mapped(&pooling->map, pooling->input.blocks[slot / LANES][pixel * LANES + slot % LANES], slot);
            sum += value;
            maximum = value > maximum ? value : maximum;
            count++;
        }
    return pooling->kind == UD2M_POOLING_MAXIMUM ? maximum : sum / (double)count;
}

static void pool_block(void *context, int64_t block, int32_t worker) {
    (void)worker;
    const job *job = context;
    const ud2m_pool2d *pooling = job->pooling;
    for (int64_t y = 0; y < job->height; y++)
        for (int64_t x = 0; x < job->width; x++)
            for (int64_t lane = 0; lane < LANES; lane++) {
                int64_t top = y * pooling->stride - pooling->padding, bottom = top + pooling->window;
                int64_t left = x * pooling->stride - pooling->padding, right = left + pooling->window;
                if (pooling->kind == UD2M_POOLING_ADAPTIVE_AVERAGE) {
                    top = y * pooling->input.height / job->height;
                    bottom = ((y + 1) * pooling->input.height + job->height - 1) / job->height;
                    left = x * pooling->input.width / job->width;
                    right = ((x + 1) * pooling->input.width + job->width - 1) / job->width;
                }
                pooling->output[block][(y * job->width + x) * LANES + lane] =
                    (float)pooled(pooling, block * LANES + lane, top, bottom, left, right);
            }
}

static void pool2d(ud2m_pool *pool, const ud2m_pool2d *pooling, int32_t output_height, int32_t output_width) {
    job job = {.pooling = pooling, .height = output_height, .width = output_width};
    ud2m_pool_run(pool, pooling->input.block_count, pool_block, &job);
}

static void add(ud2m_pool *pool, const float *left, const float *right, float *output, size_t count) {
    (void)pool;
    for (size_t i = 0; i < count; i++)
        output[i] = left[i] + right[i];
}

static void activate(ud2m_pool *pool, const float *input, float *output, size_t count, ud2m_activation activation,
                     float slope) {
    (void)pool;
    for (size_t i = 0; i < count; i++)
        output[i] = (float)activated(input[i], activation, slope);
}

static void linear(ud2m_pool *pool, const ud2m_linear *linear) {
    (void)pool;
    for (size_t row = 0; row < (size_t)linear->outputs; row++) {
        double sum = linear->bias ? linear->bias[row] : 0;
        for (size_t i = 0; i < (size_t)linear->inputs; i++)
            sum += element_at(linear->weights, linear->element, row * linear->inputs + i) *
                   activated(linear->input[i], linear->input_activation, linear->input_slope);
        linear->output[row] = (float)sum;
    }
}

static double slot_value(const ud2m_attention *attention, int64_t slot, int64_t token) {
    return attention->qkv[slot / LANES][token * LANES + slot % LANES];
}

static double product(const ud2m_attention *attention, int64_t head, int64_t query, int64_t key) {
    double sum = 0;
    for (int64_t c = head * attention->head_stride, end = c + attention->head_channels; c < end; c++)
        sum += slot_value(attention, attention->query_offset + c, query) *
               slot_value(attention, attention->key_offset + c, key);
    return sum * attention->scale;
}

/// Softmax by definition, with the largest product subtracted; products are recomputed instead of stored.
static void attend(void *context, int64_t query, int32_t worker) {
    (void)worker;
    const ud2m_attention *attention = ((const job *)context)->attention;
    for (int64_t head = 0; head < attention->heads; head++) {
        double maximum = -INFINITY, total = 0;
        for (int64_t key = 0; key < attention->tokens; key++)
            maximum = fmax(maximum, product(attention, head, query, key));
        for (int64_t key = 0; key < attention->tokens; key++)
            total += exp(product(attention, head, query, key) - maximum);
        for (int64_t c = 0; c < attention->head_channels; c++) {
            double sum = 0;
            for (int64_t key = 0; key < attention->tokens; key++)
                sum += exp(product(attention, head, query, key) - maximum) *
                       slot_value(attention, attention->value_offset + head * attention->head_stride + c, key);
            int64_t channel = head * attention->head_channels + c;
            attention->output[channel / LANES][query * LANES + channel % LANES] = (float)(sum / total);
        }
    }
    int64_t channels = (int64_t)attention->heads * attention->head_channels;
    for (int64_t channel = channels; channel % LANES != 0; channel++)
        attention->output[channel / LANES][query * LANES + channel % LANES] = 0;
}

static void attention(ud2m_pool *pool, const ud2m_attention *attention, void *workspace) {
    (void)workspace;
    job job = {.attention = attention};
    ud2m_pool_run(pool, attention->tokens, attend, &job);
}

static double multiply_add(int64_t rounds, float *sink) {
    double sum = sink[0];
    for (int64_t round = 0; round < rounds; round++)
        sum = sum * sink[1] + sink[2];
    sink[0] = (float)sum;
    return 2 * (double)rounds;
}

const operator_table operators_reference = {
    .conv2d_direct = conv2d_direct,
    .conv2d_winograd = conv2d_winograd,
    .moments = moments,
    .map_planes = map_planes,
    .upsample2 = upsample2,
    .pool2d = pool2d,
    .add = add,
    .activate = activate,
    .linear = linear,
    .attention = attention,
    .multiply_add = multiply_add,
};
