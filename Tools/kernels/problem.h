#pragma once
#include "guarded.h"
#include "ud2m_kernel_harness.h"

/// A case with its inputs, outputs and workspace, ready to run.
typedef struct problem {
    ud2m_case what;
    ud2m_variant variant;
    guarded_memory memory;
    random_source random;
    int32_t threads;
    void *workspace;

    // The arguments of the kernels; those of the case's operation are set.
    ud2m_conv2d conv;
    /// The four images that a transposed convolution interleaves.
    ud2m_planes phases;
    ud2m_attention attention;
    ud2m_group_norm norm;
    /// What `norm` gives, applied to its input.
    ud2m_input_map map;
    ud2m_pool2d pooling;
    ud2m_linear linear;

    /// What the operation writes: `output_count` blocks of `output_pixels` times 16 floats, or, with 0 pixels, one vector
    /// of `output_slots` floats.
    float *const *outputs;
    int32_t output_count;
    size_t output_pixels;
    /// Slots that hold channels; the others must be zero. Null if all do.
    const bool *output_slots_used;
    size_t output_slots;

    /// Mean square that outputs of these sizes typically have. Errors are compared with it where chance made the outputs
    /// of a tiny case nearly zero.
    double typical_power;
    /// Of a GroupNorm: by what cancellation multiplies rounding errors.
    double cancellation;
    /// Of `ud2m_timing`.
    double operations;
    double bytes;
} problem;

/// Fills a problem with inputs that depend on the case and the seed only. False if the shape is invalid.
bool problem_make(problem *p, const ud2m_case *what, ud2m_variant variant, int32_t threads, uint64_t seed,
                  bool misaligned);

/// Runs it on a pool of `threads` threads.
ud2m_status problem_run(problem *p, ud2m_pool *pool);

void problem_free(problem *p);

/// Floats of one output block.
size_t problem_output_floats(const problem *p);

// Parts of `problem_make`.

bool problem_make_conv(problem *p);
bool problem_make_transposed(problem *p);
bool problem_make_attention(problem *p);
bool problem_make_norm(problem *p);
bool problem_make_pooling(problem *p);
bool problem_make_linear(problem *p);

/// A convolution's shape, without any pointer.
ud2m_conv2d conv_shape(const ud2m_conv_case *c, ud2m_variant variant);

/// Floats of a new buffer, NaN.
float *take_floats(problem *p, size_t count);

/// A new image of blocks, NaN.
float **take_blocks(problem *p, int32_t block_count, size_t pixels);

/// Sources of a case, and their channels and blocks in all.
int32_t source_count(const int32_t *sources);
int32_t source_channels(const int32_t *sources);
int32_t source_blocks(const int32_t *sources);

/// Which slots of a concatenation hold channels.
bool *take_used(problem *p, const int32_t *sources, int32_t count);

/// A new image of random values around `offset` in the slots that are used, zero in the others.
float **take_image(problem *p, const int32_t *sources, int32_t count, size_t pixels, float gain, float offset);

/// A new vector in slot order, likewise.
float *take_slots(problem *p, const int32_t *sources, int32_t count, float offset);

/// Random weights in -0.5 ..< 0.5 as a file holds them, off any alignment; halves are cut off, not rounded.
void *take_stored(problem *p, size_t count, ud2m_element element);

/// Declares what the operation writes: images of channels.
void set_image_output(problem *p, float *const *blocks, const int32_t *sources, int32_t count, size_t pixels);

/// The usual map of an input: scales around 1, shifts around 0.7, so that padding with map(0) instead of 0 is seen.
ud2m_input_map take_map(problem *p, const int32_t *sources, int32_t count, bool mapped, ud2m_activation activation);

/// Seconds since some moment.
double seconds_now(void);
