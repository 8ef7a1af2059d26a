#include "problem.h"

enum { LANES = UD2M_LANES };

ud2m_conv2d conv_shape(const ud2m_conv_case *c, ud2m_variant variant) {
    return (ud2m_conv2d){
        .images = 1,
        .input = {.block_count = source_blocks(c->sources), .height = c->height, .width = c->width},
        .map = {.activation = c->input_activation},
        .upsample = c->upsample,
        .kernel_height = c->kernel[0],
        .kernel_width = c->kernel[1],
        .stride = c->stride,
        .pad_top = c->pads[0],
        .pad_left = c->pads[1],
        .pad_bottom = c->pads[2],
        .pad_right = c->pads[3],
        .activation = c->activation,
        .residual_upsample = c->residual,
        .output_blocks = ud2m_block_count(c->outputs),
        .algorithm = variant.algorithm,
    };
}

/// Packs weights `[rows in the order][channels][taps]`.
static const float *take_packed(problem *p, const ud2m_conv_weights *shape, const void *stored,
                                const int32_t *row_order) {
    float *packed = take_floats(p, ud2m_conv_weights_floats(shape));
    ud2m_pack_conv_weights(NULL, shape, stored, p->variant.element, row_order, packed);
    return packed;
}

bool problem_make_conv(problem *p) {
    const ud2m_conv_case *c = p->what.convolution;
    int32_t sources = source_count(c->sources), height, width;
    ud2m_conv2d conv = conv_shape(c, p->variant);
    if (!ud2m_conv2d_supports(&conv) || ud2m_conv2d_output_size(&conv, &height, &width) != UD2M_STATUS_OK)
        return false;
    size_t pixels = (size_t)c->height * c->width, output_pixels = (size_t)height * width;
    size_t products = (size_t)source_channels(c->sources) * c->kernel[0] * c->kernel[1];

    conv.input.blocks = (const float *const *)take_image(p, c->sources, sources, pixels, 2, 0);
    conv.map = take_map(p, c->sources, sources, c->mapped, c->input_activation);
    const void *stored = take_stored(p, products * c->outputs, p->variant.element);
    if (p->variant.stored) {
        conv.stored = (ud2m_stored_kernel){stored, p->variant.element, c->outputs, c->sources, sources};
    } else {
        ud2m_conv_weights shape = {c->outputs, c->sources, sources, c->kernel[0], c->kernel[1]};
        conv.weights = take_packed(p, &shape, stored, NULL);
    }
    if (c->bias)
        conv.bias = take_slots(p, &c->outputs, 1, 0);
    if (c->residual > 0) {
        size_t rows = (height + c->residual - 1) / c->residual, columns = (width + c->residual - 1) / c->residual;
        conv.residual = (const float *const *)take_image(p, &c->outputs, 1, rows * columns, 1, 0);
    }
    conv.output = take_blocks(p, conv.output_blocks, output_pixels);
    set_image_output(p, conv.output, &c->outputs, 1, output_pixels);
    if (p->variant.moments)
        conv.moments = guarded_take(&p->memory, 2 * p->output_slots * sizeof(double), sizeof(double));
    // It may hold moments.
    p->workspace = guarded_take(&p->memory, ud2m_conv2d_workspace(&conv, p->threads), sizeof(double));
    p->conv = conv;
    // Weights have a mean square of 1/12, inputs of about 1/3.
    p->typical_power = (double)products / 36;
    p->operations = 2.0 * (double)products * c->outputs * (double)output_pixels;
    p->bytes = sizeof(float) * LANES *
               ((double)conv.input.block_count * (double)pixels + (double)conv.output_blocks * (double)output_pixels);
    return true;
}

bool problem_make_transposed(problem *p) {
    const ud2m_transposed_case *c = p->what.transposed;
    // Each of the four images starts at a block of its own.
    int32_t blocks = ud2m_block_count(c->outputs), slots = 4 * blocks * LANES;
    size_t pixels = (size_t)c->height * c->width;
    const ud2m_conv_case pointwise = {.sources = {c->channels}, .outputs = slots, .height = c->height,
                                      .width = c->width, .kernel = {1, 1}, .stride = 1, .upsample = 1};
    ud2m_conv2d conv = conv_shape(&pointwise, p->variant);

    int32_t *order = guarded_take(&p->memory, slots * sizeof *order, sizeof *order);
    for (int32_t slot = 0; slot < slots; slot++) {
        int32_t phase = slot / (blocks * LANES), row = slot % (blocks * LANES);
        order[slot] = row < c->outputs ? phase * c->outputs + row : -1;
    }
    conv.input.blocks = (const float *const *)take_image(p, &c->channels, 1, pixels, 2, 0);
    const void *stored = take_stored(p, 4 * (size_t)c->outputs * c->channels, p->variant.element);
    ud2m_conv_weights shape = {slots, &c->channels, 1, 1, 1};
    conv.weights = take_packed(p, &shape, stored, order);
    conv.output = take_blocks(p, conv.output_blocks, pixels);
    p->workspace = guarded_take(&p->memory, ud2m_conv2d_workspace(&conv, p->threads), sizeof(float));
    p->conv = conv;
    p->phases = (ud2m_planes){(const float *const *)conv.output, conv.output_blocks, c->height, c->width};
    set_image_output(p, take_blocks(p, blocks, 4 * pixels), &c->outputs, 1, 4 * pixels);
    p->typical_power = c->channels / 36.0;
    p->operations = 2.0 * c->channels * c->outputs * 4 * (double)pixels;
    p->bytes = sizeof(float) * LANES * (double)pixels * (conv.input.block_count + 4.0 * blocks);
    return true;
}
