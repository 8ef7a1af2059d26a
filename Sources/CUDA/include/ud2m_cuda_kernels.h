#pragma once
// What the CUDA kernels take. Every kernel has one parameter, a structure of this header, which the kernels' sources and
// Swift share; so a launch is a name, a grid and a structure, and no argument can be passed in the wrong place.
//
// Maps are NHWC: the pixels of one image after the other, each with the channels of one part side by side, padded with
// zeros to a multiple of UD2M_CUDA_CHANNELS. A concatenation is never formed: it is a list of parts. A "slot" counts the
// padded channels of all parts of a map. Vectors (embeddings, coefficients, biases) are f32. Sizes are in elements.
//
// Kernels that read or write maps exist for each type of elements, `name_f16`, `name_bf16` and `name_f32` (`linear`, `load`,
// `pool` and so on); those of vectors, coefficients and the sampler's planes are f32 and have no suffix. A grid is given
// behind a structure's name; where it says "any", threads take turns, and a few blocks a multiprocessor are enough. Blocks,
// tiles and shared memory are in the table of `ud2m_cuda_modules.h`, P and C being a tile's pixels and channels.
//
// Buffers and parts' strides are multiples of 16 bytes, `coefficient_stride` of 4 and offsets of heads of 8 elements.
// No sum depends on timing: none is atomic.
//
// NVRTC reads this file too: no other header is included.

#define UD2M_CUDA_CHANNELS 8
#define UD2M_CUDA_PARTS 8

/// Types of the elements of maps and of weights of convolutions; a kernel exists for each: `name_f16`, `_bf16`, `_f32`.
typedef enum ud2m_cuda_element { UD2M_CUDA_F16 = 0, UD2M_CUDA_BF16 = 1, UD2M_CUDA_F32 = 2 } ud2m_cuda_element;

typedef enum ud2m_cuda_activation {
    UD2M_CUDA_NONE = 0, UD2M_CUDA_SILU = 1, UD2M_CUDA_RELU = 2, UD2M_CUDA_LEAKY_RELU = 3, UD2M_CUDA_SIGMOID = 4
} ud2m_cuda_activation;

/// One buffer of a map: `images` times height times width times `stride` elements, of which `channels` are used.
typedef struct ud2m_cuda_part {
    void *data;
    int channels;
    int stride;
} ud2m_cuda_part;

/// A map and the transforms through which it is read: activation(scale·x + shift), then every value four times if
/// `upsampled`. Zero padding is added after the transforms. `scale` is null for a plain map.
typedef struct ud2m_cuda_map {
    ud2m_cuda_part parts[UD2M_CUDA_PARTS];
    int part_count;
    /// Of all parts: the sum of their strides.
    int slots;
    /// Of the buffers, before enlarging.
    int height, width;
    /// A value a slot; those of image n start at n·coefficient_stride.
    const float *scale, *shift;
    int coefficient_stride;
    int activation;
    float slope;
    int upsampled;
} ud2m_cuda_map;

/// `conv_P×C` and, for maps with coefficients or an activation and 16-bit elements, `conv_transformed_P×C`: output =
/// activation(conv(map) + bias + residual). Tiles of 128×128 suit large maps, of 64×64 those that would otherwise leave
/// multiprocessors without a block, of 128×32 few output channels (16-bit elements only).
/// Grid: images · ⌈output pixels of an image / P⌉, ⌈output.stride / C⌉, splits or 1; `conv_finish`: the same with its own
/// tile.
typedef struct ud2m_cuda_conv {
    ud2m_cuda_map input;
    /// [output channels rounded up to 8][kernel height · kernel width][input.slots], zeros in padding; the maps' type.
    const void *weights;
    /// A value a channel, or null; that of image n starts at n·bias_stride.
    const float *bias;
    int bias_stride;
    int images, kernel_height, kernel_width, step, pad_top, pad_left;
    ud2m_cuda_part output;
    int output_height, output_width;
    /// Data null for none; of the output's size, or half of it if `residual_upsampled`.
    ud2m_cuda_part residual;
    int residual_upsampled;
    int activation;
    float slope;
    /// Null, or for every image, tile of pixels and output slot the sum of the outputs as rounded, and the sum of their
    /// squared deviations from their mean: [images][moment_tiles][output.stride][2]. A tile is UD2M_CUDA_MOMENT_PIXELS
    /// consecutive pixels of one image (the last may be shorter).
    float *moments;
    int moment_tiles;
    /// With 16-bit elements, K may be divided among `splits` blocks where pixels and channels make too few: `conv` then
    /// leaves sums here, [splits][images][output pixels][output.stride], and `conv_finish` adds them up in order and does
    /// the rest. Null, and 0 splits, for none. `conv_epilogue` does the rest for a product that a library left here as
    /// [images][output pixels][output.stride] in the maps' type; its grid is that of `conv_finish`.
    float *partials;
    int splits;
} ud2m_cuda_conv;
#define UD2M_CUDA_MOMENT_PIXELS 64

/// `moments`: those of one part that no convolution left, in the same form. Grid: moment tiles, images, ⌈stride / 128⌉.
typedef struct ud2m_cuda_moments {
    ud2m_cuda_part part;
    int images, pixels;
    float *moments;
    int moment_tiles;
} ud2m_cuda_moments;

/// `norm_coefficients`: from moments of every part to scale and shift of every slot (0 in padding): group normalisation
/// of the channels in order, with the affine transform where there is one, then `·(1 + s) + t` with `modulation`
/// [s | t] of 2·channels a vector where not null. Sums are added up in double precision in a fixed order.
/// Grid: groups, images.
typedef struct ud2m_cuda_norm {
    const float *moments[UD2M_CUDA_PARTS];
    int channels[UD2M_CUDA_PARTS];
    int strides[UD2M_CUDA_PARTS];
    int part_count, slots, moment_tiles, images, pixels, groups;
    float epsilon;
    const float *weight, *bias;
    const float *modulation;
    int modulation_stride;
    /// [images][2][slots]: scales, then shifts.
    float *output;
} ud2m_cuda_norm;

/// `vector_coefficients`: scale and shift of every slot from a vector: kind 0 (1 + v, v'), of [v | v'], 1 (1, v), 2 (v of
/// one value, 0). Output as of `norm_coefficients`. Grid: images.
typedef struct ud2m_cuda_vector_coefficients {
    int channels[UD2M_CUDA_PARTS];
    int strides[UD2M_CUDA_PARTS];
    int part_count, slots, images, kind;
    const float *vector;
    int vector_stride;
    float *output;
} ud2m_cuda_vector_coefficients;

/// `load`: a copy of a map, read through its transforms, into parts of the same channels. Grid: any, parts.
typedef struct ud2m_cuda_load {
    ud2m_cuda_map input;
    int images;
    ud2m_cuda_part outputs[UD2M_CUDA_PARTS];
} ud2m_cuda_load;

/// `add`: the sum of two maps, or of a map and a vector (`right` null) that is broadcast, of one part each.
/// Grid: any.
typedef struct ud2m_cuda_add {
    ud2m_cuda_part left, right, output;
    const float *vector;
    int vector_stride;
    int images, pixels;
} ud2m_cuda_add;

/// `pool`: maximum (kind 0), mean (1) of the pixels of a window that are in the image, or adaptive mean (2); every part
/// of the map, read through its transforms, to a part of its own. Grid: any, parts.
typedef struct ud2m_cuda_pool {
    ud2m_cuda_map input;
    int images, kind, window, step, padding;
    ud2m_cuda_part outputs[UD2M_CUDA_PARTS];
    int output_height, output_width;
} ud2m_cuda_pool;

/// `global_average`: [images][output_stride] in channel order. Grid: ⌈slots / 32⌉, images.
typedef struct ud2m_cuda_global_average {
    ud2m_cuda_map input;
    int images;
    float *output;
    int output_stride;
} ud2m_cuda_global_average;

/// `flatten`: a map in the order C, H, W as f32. Grid: ⌈pixels as read / 32⌉, ⌈slots / 32⌉, images.
typedef struct ud2m_cuda_flatten {
    ud2m_cuda_map input;
    int images;
    float *output;
    int output_stride;
} ud2m_cuda_flatten;

/// `pack`: planar f32 [images][channels][pixels] to one part; padding is cleared; back is `flatten`
/// of a plain map. Grid: ⌈pixels / 32⌉, ⌈stride / 32⌉, images.
typedef struct ud2m_cuda_pack {
    const float *input;
    ud2m_cuda_part output;
    int images, pixels;
} ud2m_cuda_pack;

/// `interleave`: four runs of `stride` slots of one part, one for each pixel of a 2×2 square (row by row), to a part of
/// twice the height and width. Grid: any.
typedef struct ud2m_cuda_interleave {
    ud2m_cuda_part input, output;
    int images, height, width;
} ud2m_cuda_interleave;

/// `resize_bilinear`: half-pixel centres, edges repeated, no antialiasing; one part. Grid: any.
typedef struct ud2m_cuda_resize {
    ud2m_cuda_part input, output;
    int images, height, width, output_height, output_width;
} ud2m_cuda_resize;

/// `attention`: softmax(q·k / √d)·v for every head. Queries, keys and values of head h are the d channels that start at
/// channel h·head_step + kind·kind_step of the 3C channels of the map; a map of three parts holds one kind each, and then
/// kind_step is the first part's stride. `attention_plain` takes any d. On tensor cores d is a multiple of 8, and
/// `attention_128` is for d ≤ 256, `attention_64` for d ≤ 512: the queries of a block lie in shared memory.
/// Grid: ⌈positions / P⌉, heads · ⌈d / C⌉, images.
typedef struct ud2m_cuda_attention {
    ud2m_cuda_part queries, keys, values;
    /// Element offsets of head 0 inside a pixel of the three parts, and how far the next head is.
    int query_offset, key_offset, value_offset, head_step;
    int images, positions, heads, head_channels;
    ud2m_cuda_part output;
} ud2m_cuda_attention;

/// `linear`: outputs = activation(weights · inputs + bias), [images] of vectors in f32; weights [outputs][inputs] f32 or,
/// for the kernels of the other types, of their type. Grid: ⌈outputs / 4⌉, ⌈images / 4⌉.
typedef struct ud2m_cuda_linear {
    const void *weights;
    const float *bias;
    const float *input;
    int input_stride;
    float *output;
    int output_stride;
    int images, inputs, outputs;
    int activation;
    float slope;
} ud2m_cuda_linear;

/// `vector`: output = activation(left + right), `right` null for none; a stride of 0 repeats a vector for every
/// image. Grid: any, images.
typedef struct ud2m_cuda_vector {
    const float *left, *right;
    float *output;
    int left_stride, right_stride, output_stride, images, count;
    int activation;
    float slope;
} ud2m_cuda_vector;

/// `timestep_embedding`: cos and sin of timestep·exp(-i·ln 10⁴ / (width/2 - shift)) for i < width/2; an odd last value
/// is 0. Grid: images.
typedef struct ud2m_cuda_timestep {
    const float *timesteps;
    float *output;
    int images, width, cosine_first, frequency_shift, output_stride;
} ud2m_cuda_timestep;

/// `class_embedding`: rows of a table. Grid: images.
typedef struct ud2m_cuda_class_embedding {
    const float *labels, *table;
    float *output;
    int images, width, output_stride;
} ud2m_cuda_class_embedding;

// What the sampler's loop does between two runs of a network. Images are planar f32 there, [images][channels][height]
// [width], and two planes of an image, real and imaginary part, are transformed as one complex image (the last of an odd
// number alone). Complex numbers are two floats.

/// Tables for Fourier transforms of lines of `length` numbers, at most 4096: by Stockham's algorithm where that is a power
/// of two, which `points` then equals; else by Bluestein's, and `points` is the smallest power of two not below
/// 2·length − 1.
typedef struct ud2m_cuda_fft_tables {
    int length, points;
    /// exp(−2πi·k/points), k < points.
    const float *twiddles;
    /// Null for a power of two; else exp(−πi·k²/length), k < length.
    const float *chirp;
    /// Null, or the transform of `points` numbers, the conjugates of `chirp` at k and points − k and zeros between, divided
    /// by `points`.
    const float *chirp_spectrum;
} ud2m_cuda_fft_tables;

/// `fft_rows`: forward, from planes first_weight·first + second_weight·second (`second` null for none) to spectra of rows;
/// inverse, from those to planes times `scale`. Nothing else scales: forward and back multiply by the number of
/// pixels. Grid: ⌈height / lines⌉, complex images, where a block does max(2048 / points, 1) lines; its shared memory is
/// 8·lines·(points + 1) bytes, 8·points with one line.
typedef struct ud2m_cuda_fft_rows {
    ud2m_cuda_fft_tables tables;
    int images, channels, height, inverse;
    const float *first, *second;
    double first_weight, second_weight;
    float *planes;
    float scale;
    /// [images · ⌈channels / 2⌉][height][tables.length], complex.
    float *spectrum;
} ud2m_cuda_fft_rows;

/// What happens to a spectrum m, with the transfer function Λ of a blur.
typedef enum ud2m_cuda_filter {
    UD2M_CUDA_KEEP = 0,
    /// Λm.
    UD2M_CUDA_BLUR = 1,
    /// Λ̄m.
    UD2M_CUDA_ADJOINT = 2,
    /// |Λ|²m.
    UD2M_CUDA_POWER = 3,
    /// (Λ̄y + τm)/(|Λ|² + τ), computed as m + Λ̄(y − Λm)/(|Λ|² + τ), which small τ do not spoil.
    UD2M_CUDA_TIKHONOV = 4,
    /// (Λ̄y + τm)/(Λ² + τ), the paper's code's.
    UD2M_CUDA_COMPLEX_SQUARE = 5
} ud2m_cuda_filter;

/// `fft_columns`: transforms the columns of spectra of rows in place. With a filter other than keep, forward, filter and
/// back at once. Grid: ⌈width / lines⌉, count.
typedef struct ud2m_cuda_fft_columns {
    ud2m_cuda_fft_tables tables;
    /// Complex images.
    int count;
    int width, inverse;
    float *spectrum;
    int filter;
    /// Λ, [height][width].
    const float *transfer;
    /// y's, of the form of `spectrum`.
    const float *observed;
    float weight;
} ud2m_cuda_fft_columns;

/// `super_resolution`: replaces spectra m by those of the Tikhonov solution of a blur followed by the first of every
/// factor² pixels: m + Λ̄·tile((y − fold(Λm))/(fold(|Λ|²) + τ)), fold the mean over aliases. Grid: any, count.
typedef struct ud2m_cuda_super_resolution {
    float *spectrum;
    const float *transfer;
    /// Spectra of the observation, [count][height][width].
    const float *observed;
    /// Of the observation; the image is `factor` times as large.
    int count, height, width, factor;
    float weight;
} ud2m_cuda_super_resolution;

/// `masked`: kind 0 solves inpainting, (y + τm)/(1 + τ) where the mask is not 0, else m, with
/// m = first_weight·first + second_weight·second; kind 1 puts y where the mask is not 0 and `first` elsewhere. In double
/// precision, rounded once. Grid: any, planes.
typedef struct ud2m_cuda_masked {
    const float *observed, *first, *second;
    /// One value a pixel of a plane, or null for all observed.
    const float *mask;
    float *output;
    double first_weight, second_weight, weight;
    int planes, pixels, kind;
} ud2m_cuda_masked;

/// `combine`: left_scale·left + right_scale·right (null for none) in double precision, rounded once; then limited to
/// [-1, 1] if `is_clamped`. Output may be an operand. Grid: any.
typedef struct ud2m_cuda_combine {
    const float *left, *right;
    float *output;
    double left_scale, right_scale;
    int count, is_clamped;
} ud2m_cuda_combine;

/// `noise`: input_scale·input (null for none) + noise_scale·n, rounded once, with the standard normal values n that
/// `PhiloxNoise` gives for a key and a counter of (block, position, kind, sample). A value differs from the CPU's, by one
/// unit in the last place, only where a double-precision result lies within a unit in its last place of the middle between
/// two floats: about once in 10⁸ values. Grid: any.
typedef struct ud2m_cuda_noise {
    const float *input;
    float *output;
    double input_scale, noise_scale;
    int count;
    unsigned key[2], position, kind, sample;
} ud2m_cuda_noise;

typedef enum ud2m_cuda_sum {
    UD2M_CUDA_SUM = 0, UD2M_CUDA_SQUARES = 1, UD2M_CUDA_DOT = 2, UD2M_CUDA_SQUARED_DIFFERENCES = 3,
    /// The largest size; what is not a number wins.
    UD2M_CUDA_LARGEST = 4
} ud2m_cuda_sum;

/// `reduce` then `reduce_finish`: one number for each of `groups` runs of `count` values, in double precision and an order
/// that depends on `count` and `blocks` alone. Grids: blocks, groups; groups.
typedef struct ud2m_cuda_reduce {
    const float *left, *right;
    int count, groups, kind;
    /// Of `reduce` for a group; `partials` holds groups · blocks numbers.
    int blocks;
    double *partials;
    double *output;
} ud2m_cuda_reduce;
