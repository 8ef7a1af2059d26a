#include "problem.h"

#include <stdio.h>

static const char *const elements[] = {"f32", "f16", "bf16"};
static const char *const algorithms[] = {"direct", "f2", "f4"};

void ud2m_variant_describe(const ud2m_case *a_case, ud2m_variant variant, char *text, size_t size) {
    if (a_case->kind != UD2M_CASE_CONVOLUTION)
        snprintf(text, size, "%s", "");
    else
        snprintf(text, size, "%s %s %s", algorithms[variant.algorithm], variant.stored ? "stored" : "packed",
                 elements[variant.element]);
}

static void describe_conv(const ud2m_conv_case *c, char *text, size_t size) {
    snprintf(text, size,
             "sources %d,%d,%d outputs %d size %dx%d kernel %dx%d stride %d pads %d,%d,%d,%d upsample %d mapped %d "
             "activations %d,%d bias %d residual %d",
             c->sources[0], c->sources[1], c->sources[2], c->outputs, c->height, c->width, c->kernel[0], c->kernel[1],
             c->stride, c->pads[0], c->pads[1], c->pads[2], c->pads[3], c->upsample, c->mapped,
             (int)c->input_activation, (int)c->activation, c->bias, c->residual);
}

static void describe_norm(const ud2m_norm_case *c, char *text, size_t size) {
    snprintf(text, size, "sources %d,%d,%d groups %d size %dx%d offset %g modulated %d affine %d", c->sources[0],
             c->sources[1], c->sources[2], c->groups, c->height, c->width, c->offset, c->modulated, c->affine);
}

static void describe_pooling(const ud2m_pooling_case *c, char *text, size_t size) {
    snprintf(text, size, "channels %d size %dx%d kind %d window %d stride %d padding %d ceiling %d to %dx%d mapped %d",
             c->channels, c->height, c->width, (int)c->kind, c->window, c->stride, c->padding, c->ceil_mode,
             c->adaptive[0], c->adaptive[1], c->mapped);
}

void ud2m_case_describe(const ud2m_case *a_case, char *text, size_t size) {
    int length = snprintf(text, size, "%s: ", a_case->name);
    if (length < 0 || (size_t)length >= size)
        return;
    text += length;
    size -= (size_t)length;
    switch (a_case->kind) {
    case UD2M_CASE_CONVOLUTION:
        describe_conv(a_case->convolution, text, size);
        break;
    case UD2M_CASE_TRANSPOSED: {
        const ud2m_transposed_case *c = a_case->transposed;
        snprintf(text, size, "channels %d outputs %d size %dx%d", c->channels, c->outputs, c->height, c->width);
        break;
    }
    case UD2M_CASE_ATTENTION: {
        const ud2m_attention_case *c = a_case->attention;
        snprintf(text, size, "heads %d of %d tokens %d rows %d gain %g", c->heads, c->head_channels, c->tokens,
                 (int)c->rows, c->gain);
        break;
    }
    case UD2M_CASE_GROUP_NORM:
        describe_norm(a_case->norm, text, size);
        break;
    case UD2M_CASE_POOLING:
        describe_pooling(a_case->pooling, text, size);
        break;
    case UD2M_CASE_LINEAR: {
        const ud2m_linear_case *c = a_case->linear;
        snprintf(text, size, "inputs %d outputs %d %s activation %d", c->inputs, c->outputs, elements[c->element],
                 (int)c->input_activation);
        break;
    }
    }
}
