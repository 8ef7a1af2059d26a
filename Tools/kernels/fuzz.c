#include "problem.h"

#include <stdio.h>

/// Multiply-adds that the reference tier may need for a shape.
static const double most_products = 4e6;

static bool chance(random_source *random, int32_t one_in) { return random_between(random, 1, one_in) == 1; }

/// Small sizes mostly, with the ones that sit on an edge: 1, and around 16.
static int32_t random_size(random_source *random, int32_t most) {
    switch (random_between(random, 0, 5)) {
    case 0:
        return random_between(random, 1, 3);
    case 1:
        return random_between(random, 15, 17);
    case 2:
        return random_between(random, 1, most);
    default:
        return random_between(random, 1, 24);
    }
}

static int32_t random_sources(random_source *random, int32_t *sources) {
    int32_t count = chance(random, 3) ? random_between(random, 2, UD2M_CASE_SOURCES) : 1;
    for (int32_t i = 0; i < count; i++)
        sources[i] = random_size(random, 80);
    return count;
}

static ud2m_conv_case random_conv(random_source *random) {
    ud2m_conv_case c = {.name = "fuzz"};
    random_sources(random, c.sources);
    c.outputs = random_size(random, 80);
    c.height = random_size(random, 70);
    c.width = random_size(random, 200);
    // Half of the shapes can be computed by every algorithm.
    bool winograd = chance(random, 2);
    c.kernel[0] = winograd ? 3 : random_between(random, 1, 7);
    c.kernel[1] = winograd || chance(random, 2) ? c.kernel[0] : random_between(random, 1, 7);
    c.stride = winograd || chance(random, 2) ? 1 : random_between(random, 2, 3);
    for (int32_t i = 0; i < 4; i++)
        c.pads[i] = random_between(random, 0, winograd ? 3 : c.kernel[i % 2]);
    c.upsample = chance(random, 4) ? 2 : 1;
    c.mapped = chance(random, 2);
    c.input_activation = (ud2m_activation)(chance(random, 2) ? random_between(random, 0, 2) : UD2M_ACTIVATION_NONE);
    c.activation = (ud2m_activation)(chance(random, 3) ? random_between(random, 1, 2) : UD2M_ACTIVATION_NONE);
    c.bias = !chance(random, 4);
    c.residual = random_between(random, 0, 2);
    if (c.height * c.upsample + c.pads[0] + c.pads[2] < c.kernel[0] ||
        c.width * c.upsample + c.pads[1] + c.pads[3] < c.kernel[1])
        c.use = UD2M_CASE_REFUSED;
    return c;
}

/// Products of the padded (enlarged) input, all slots included, as the reference tier computes them.
static double conv_products(const ud2m_conv_case *c) {
    double rows = (double)c->height * c->upsample + c->pads[0] + c->pads[2];
    double columns = (double)c->width * c->upsample + c->pads[1] + c->pads[3];
    return rows * columns / (c->stride * c->stride) * c->kernel[0] * c->kernel[1] * source_blocks(c->sources) *
           ud2m_block_count(c->outputs) * UD2M_LANES * UD2M_LANES;
}

static ud2m_conv_case affordable_conv(random_source *random) {
    ud2m_conv_case c = random_conv(random);
    while (conv_products(&c) > most_products)
        c = random_conv(random);
    return c;
}

static ud2m_attention_case random_attention(random_source *random) {
    const float gains[] = {1, 1, 6, 60};
    ud2m_attention_case c = {.name = "fuzz"};
    do {
        c.heads = random_between(random, 1, 5);
        c.head_channels = random_size(random, 100);
        c.tokens = random_size(random, 400);
    } while ((double)c.heads * c.head_channels * c.head_channels * c.tokens * c.tokens > 4 * most_products);
    c.rows = (ud2m_case_rows)random_between(random, 0, 2);
    c.gain = gains[random_between(random, 0, 3)];
    return c;
}

static ud2m_norm_case random_norm(random_source *random) {
    ud2m_norm_case c = {.name = "fuzz"};
    int32_t channels, width;
    do {
        c = (ud2m_norm_case){.name = "fuzz"};
        random_sources(random, c.sources);
        channels = source_channels(c.sources);
        width = random_between(random, 1, channels);
        c.height = random_size(random, 150);
        c.width = random_size(random, 150);
    } while (channels % width != 0);
    c.groups = channels / width;
    c.offset = chance(random, 4) ? 30 : 0;
    c.modulated = chance(random, 2);
    c.affine = chance(random, 2);
    return c;
}

static ud2m_pooling_case random_pooling(random_source *random) {
    ud2m_pooling_case c = {.name = "fuzz"};
    c.channels = random_size(random, 80);
    c.height = random_size(random, 60);
    c.width = random_size(random, 60);
    c.kind = (ud2m_pooling)random_between(random, 0, 2);
    c.window = random_between(random, 1, 7);
    // A window larger than the image is refused, which is not what this looks for.
    c.window = c.window > c.height ? c.height : c.window;
    c.window = c.window > c.width ? c.width : c.window;
    c.stride = random_between(random, 1, 4);
    c.padding = random_between(random, 0, c.window - 1);
    c.ceil_mode = chance(random, 2);
    c.adaptive[0] = random_between(random, 1, 9);
    c.adaptive[1] = random_between(random, 1, 9);
    c.mapped = chance(random, 2);
    return c;
}

/// Checks the shape that a seed stands for.
static int32_t fuzz_one(uint64_t seed, bool verbose) {
    random_source random = {seed};
    ud2m_case a_case = {.name = "fuzz"};
    ud2m_conv_case convolution = affordable_conv(&random);
    ud2m_transposed_case transposed = {UD2M_CASE_CHECKED, "fuzz", random_size(&random, 80), random_size(&random, 40),
                                       random_size(&random, 24), random_size(&random, 24)};
    ud2m_attention_case attention = random_attention(&random);
    ud2m_norm_case norm = random_norm(&random);
    ud2m_pooling_case pooling = random_pooling(&random);
    ud2m_linear_case linear = {UD2M_CASE_CHECKED, "fuzz", random_size(&random, 600), random_size(&random, 200),
                               (ud2m_element)random_between(&random, 0, 2),
                               (ud2m_activation)random_between(&random, 0, 2)};
    // Convolutions have the most ways to be cut up.
    switch (random_between(&random, 0, 12)) {
    case 0:
        a_case.kind = UD2M_CASE_TRANSPOSED;
        a_case.transposed = &transposed;
        break;
    case 1:
        a_case.kind = UD2M_CASE_ATTENTION;
        a_case.attention = &attention;
        break;
    case 2:
        a_case.kind = UD2M_CASE_GROUP_NORM;
        a_case.norm = &norm;
        break;
    case 3:
        a_case.kind = UD2M_CASE_POOLING;
        a_case.pooling = &pooling;
        break;
    case 4:
        a_case.kind = UD2M_CASE_LINEAR;
        a_case.linear = &linear;
        break;
    default:
        a_case.kind = UD2M_CASE_CONVOLUTION;
        a_case.use = convolution.use;
        a_case.convolution = &convolution;
        break;
    }
    ud2m_check_options options = {.seed = seed,
                                  .slack = UD2M_BOUND_FUZZ_SLACK,
                                  .misaligned = chance(&random, 2),
                                  .verbose = verbose};
    return ud2m_check_case(&a_case, &options);
}

int64_t ud2m_fuzz(uint64_t seed, int64_t runs, double seconds) {
    double begin = seconds_now();
    int64_t failed = 0, done = 0;
    for (; done < runs && (seconds <= 0 || seconds_now() - begin < seconds); done++)
        failed += fuzz_one(seed + (uint64_t)done, runs == 1) > 0;
    fprintf(stderr, "%lld random shapes from seed %llu, %lld failed\n", (long long)done, (unsigned long long)seed,
            (long long)failed);
    return failed;
}
